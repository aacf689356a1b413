using Baton.Engine;
using Baton.Samples;

namespace Baton.Endurance;

/// <summary>
/// Gives back what comes, and at the stream's end the SHA-256 of all of it. The hash's state moves with the connection, so
/// that a byte which a move has lost, repeated or changed shows at the end.
/// </summary>
internal sealed class EchoApplication : SampleApplication
{
    public const string Service = "echo";
    private const int BufferLength = 4096;

    public override string Name => Service;

    public override async Task ServeAsync(Connection connection)
    {
        if (!Sha256State.TryImport(connection.Context.Span, out var hash))
        {
            hash = new Sha256State();
        }

        var buffer = new byte[BufferLength];
        while (true)
        {
            try
            {
                int length = await connection.ReceiveAsync(buffer, connection.MoveRequested);
                if (length == 0)
                {
                    break;
                }

                hash.Append(buffer.AsSpan(0, length));
                await connection.SendAllAsync(buffer.AsMemory(0, length));
            }
            catch (OperationCanceledException)
            {
                var context = new byte[Sha256State.ExportedLength];
                hash.Export(context);
                if (await TryMoveAsync(connection, context))
                {
                    return;
                }
            }
        }

        await connection.SendAllAsync(hash.Digest());
    }
}
