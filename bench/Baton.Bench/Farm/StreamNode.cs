using System.Buffers.Binary;
using Baton.Engine;

namespace Baton.Bench.Farm;

/// <summary>A node whose application sends the pattern without end, and moves with its position when asked.</summary>
internal sealed class StreamNode : IAsyncDisposable
{
    private const string Application = "stream";

    private readonly Listener _listener;
    private readonly Task _accepting;

    private StreamNode(string name, BatonEngine engine, Listener listener)
    {
        Name = name;
        Engine = engine;
        _listener = listener;
        _accepting = AcceptAsync();
    }

    public string Name { get; }

    public BatonEngine Engine { get; }

    public static async Task<StreamNode> StartAsync(string switchNamespace, string name)
    {
        var engine = await BatonEngine.StartAsync(FarmNetwork.NodeOptions(switchNamespace, name));
        return new(name, engine, await engine.BindAsync(new BatonEndPoint(FarmNetwork.Service), Application));
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await _accepting;
        await Engine.DisposeAsync();
    }

    private static async Task SendAsync(Connection connection)
    {
        long position = connection.Context.IsEmpty ? 0 : BinaryPrimitives.ReadInt64BigEndian(connection.Context.Span);
        while (true)
        {
            try
            {
                position += await connection.SendAsync(Pattern.MemoryAt(position), connection.MoveRequested);
            }
            catch (OperationCanceledException)
            {
                byte[] context = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64BigEndian(context, position);
                try
                {
                    await connection.HandOffAsync(connection.RequestedMove?.Target, context);
                    return;
                }
                catch (HandOffRejectedException)
                {
                    // It goes on here; the benchmark counts the move as failed.
                }
            }
            catch (BatonException)
            {
                // The client has gone.
                return;
            }
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptAsync();
                _ = SendAsync(connection);
            }
        }
        catch (ObjectDisposedException)
        {
            // The node stops.
        }
    }
}
