using System.Buffers.Binary;
using System.Text;
using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>
/// Answers each line with the node's name, how many lines the connection has had (the count travels as context), and
/// the line: <c>b 2 hello</c>.
/// </summary>
internal sealed class TagServer(string node) : SampleApplication
{
    public const string ApplicationName = "tag";

    public override string Name => ApplicationName;

    public override async Task ServeAsync(Connection connection)
    {
        uint count = connection.Context.Length == sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(connection.Context.Span) : 0;
        var buffer = new byte[4096];
        while (true)
        {
            try
            {
                int length = await PeekLineAsync(connection, buffer);
                if (length == 0)
                {
                    return;
                }

                await connection.AdvanceAsync(length);
                await connection.SendAllAsync(Encoding.ASCII.GetBytes($"{node} {++count} {Encoding.ASCII.GetString(buffer, 0, length)}"));
            }
            catch (OperationCanceledException)
            {
                var context = new byte[sizeof(uint)];
                BinaryPrimitives.WriteUInt32BigEndian(context, count);
                if (await TryMoveAsync(connection, context))
                {
                    return;
                }
            }
        }
    }

    private static async Task<int> PeekLineAsync(Connection connection, byte[] buffer)
    {
        int seen = 0;
        while (true)
        {
            int length = await connection.PeekAsync(buffer, seen + 1, connection.MoveRequested);
            int end = buffer.AsSpan(0, length).IndexOf((byte)'\n');
            if (end >= 0)
            {
                return end + 1;
            }

            if (length == seen)
            {
                return 0;
            }

            seen = length;
        }
    }
}
