using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Baton.Engine;

namespace Baton.Samples;

/// <summary>
/// Answers each datagram with the node's name, a number that counts on over moves, and the datagram's own text:
/// <c>b 17 hello</c>.
/// </summary>
public sealed class UdpEcho(string node, BatonEngine engine)
{
    /// <summary>The name it is bound under.</summary>
    public const string ApplicationName = "udp-echo";

    private const int MaxDatagram = 1400;

    /// <summary>Serves the flows of <paramref name="service"/> until cancelled.</summary>
    public async Task RunAsync(BatonEndPoint service, CancellationToken cancellation)
    {
        await using var listener = await engine.BindDatagramAsync(service, ApplicationName, cancellationToken: cancellation);
        while (true)
        {
            _ = ServeAsync(await listener.AcceptAsync(cancellation));
        }
    }

    private async Task ServeAsync(DatagramConnection connection)
    {
        await Task.Yield();
        await using (connection)
        {
            try
            {
                await EchoAsync(connection);
            }
            catch (BatonException)
            {
                // The flow was idle for too long, or left.
            }
        }
    }

    private async Task EchoAsync(DatagramConnection connection)
    {
        ulong count = connection.Context.Length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(connection.Context.Span) : 0;
        var buffer = new byte[MaxDatagram];
        while (true)
        {
            try
            {
                int length = await connection.ReceiveAsync(buffer, connection.MoveRequested);
                string tag = string.Create(CultureInfo.InvariantCulture, $"{node} {++count} ");
                await connection.SendAsync((byte[])[.. Encoding.ASCII.GetBytes(tag), .. buffer.AsSpan(0, length)]);
            }
            catch (OperationCanceledException)
            {
                if (await TryMoveAsync(connection, count))
                {
                    return;
                }
            }
        }
    }

    private static async ValueTask<bool> TryMoveAsync(DatagramConnection connection, ulong count)
    {
        var context = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(context, count);
        try
        {
            await connection.HandOffAsync(connection.RequestedMove?.Target, context);
            return true;
        }
        catch (HandOffRejectedException)
        {
            return false;
        }
    }
}
