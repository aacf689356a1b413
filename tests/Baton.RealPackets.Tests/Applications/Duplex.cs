using System.Buffers.Binary;
using Baton.Engine;
using Baton.Samples;

namespace Baton.RealPackets.Tests;

/// <summary>
/// Streams in both directions until the client closes its own: what it sends is a generated stream (when the client's
/// first byte asks for that), what it receives is hashed, and its last 32 bytes are that hash. Position and hash travel
/// as context.
/// </summary>
internal sealed class Duplex(int bufferLength = 256 << 10) : SampleApplication
{
    public const ulong DownKey = 0xD0D0;
    public const ulong UpKey = 0x0B0B;

    private const int ContextLength = 1 + sizeof(ulong) + Sha256State.ExportedLength;

    public override string Name => "duplex";

    public override async Task ServeAsync(Connection connection)
    {
        var state = State.Decode(connection.Context.Span) ?? new State();
        while (true)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(connection.MoveRequested);
            await Task.WhenAll(ReceiveAsync(connection, state, stop), SendAsync(connection, state, stop.Token));
            if (state.InputEnded)
            {
                await connection.SendAllAsync(state.Hash.Digest());
                return;
            }

            if (await TryMoveAsync(connection, state.Encode()))
            {
                return;
            }
        }
    }

    private async Task ReceiveAsync(Connection connection, State state, CancellationTokenSource stop)
    {
        var buffer = new byte[bufferLength];
        try
        {
            while (await connection.ReceiveAsync(buffer, stop.Token) is > 0 and var length)
            {
                var received = buffer.AsMemory(0, length);
                if (state.Mode == 0)
                {
                    state.Mode = buffer[0];
                    state.ModeKnown.TrySetResult();
                    received = received[1..];
                }

                state.Hash.Append(received.Span);
            }

            state.InputEnded = true;
            await stop.CancelAsync();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task SendAsync(Connection connection, State state, CancellationToken stop)
    {
        var generator = new GeneratedStream(DownKey);
        var buffer = new byte[bufferLength];
        var ready = Memory<byte>.Empty;
        try
        {
            await state.ModeKnown.Task.WaitAsync(stop);
            while (state.Mode == DuplexClient.Both)
            {
                if (ready.IsEmpty)
                {
                    ready = buffer;
                    generator.Fill(state.Position, ready.Span);
                }

                int sent = await connection.SendAsync(ready, stop);
                ready = ready[sent..];
                state.Position += (ulong)sent;
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private sealed class State
    {
        public byte Mode { get; set; }

        public TaskCompletionSource ModeKnown { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ulong Position { get; set; }

        public Sha256State Hash { get; private init; } = new();

        public bool InputEnded { get; set; }

        public static State? Decode(ReadOnlySpan<byte> context)
        {
            if (context.Length != ContextLength || !Sha256State.TryImport(context[(1 + sizeof(ulong))..], out var hash))
            {
                return null;
            }

            var state = new State { Mode = context[0], Position = BinaryPrimitives.ReadUInt64BigEndian(context[1..]), Hash = hash };
            if (state.Mode != 0)
            {
                state.ModeKnown.SetResult();
            }

            return state;
        }

        public byte[] Encode()
        {
            byte[] context = new byte[ContextLength];
            context[0] = Mode;
            BinaryPrimitives.WriteUInt64BigEndian(context.AsSpan(1), Position);
            Hash.Export(context.AsSpan(1 + sizeof(ulong)));
            return context;
        }
    }
}
