using System.Buffers;
using System.IO.Pipelines;
using Baton.Tls;

namespace Baton.Kestrel.Tls;

/// <summary>
/// A client's records during the handshake, one by one, so that not a byte of what comes after it is taken off the
/// transport. Wakes by a wish to move have no effect: the connection moves when the handshake is done.
/// </summary>
internal sealed class HandshakeReader(PipeReader input)
{
    /// <summary>The most bytes of a handshake, long chains of client certificates included.</summary>
    private const int MaxHandshake = 128 << 10;

    private int _taken;

    /// <summary>Looks at the first message; it stays where it is.</summary>
    /// <returns><see cref="ClientHelloOutcome.Incomplete"/> when the client has left before.</returns>
    public async ValueTask<(ClientHelloOutcome Outcome, ClientHello? Hello)> ReadHelloAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken);
            var outcome = Look(read.Buffer, out var hello);
            if (outcome != ClientHelloOutcome.Incomplete || read.IsCompleted)
            {
                input.AdvanceTo(read.Buffer.Start);
                return (outcome, hello);
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Takes the next record.</summary>
    /// <returns>Null when the client has left, or its handshake is too long.</returns>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadRecordAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken);
            int length = LengthOf(read.Buffer);
            if (length > 0 && length <= read.Buffer.Length)
            {
                byte[] record = read.Buffer.Slice(0, length).ToArray();
                input.AdvanceTo(read.Buffer.GetPosition(length));
                _taken += length;
                return _taken <= MaxHandshake ? record : null;
            }

            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted || length > RecordFormat.HeaderLength + RecordFormat.MaxProtected12)
            {
                return null;
            }
        }
    }

    private static ClientHelloOutcome Look(in ReadOnlySequence<byte> bytes, out ClientHello? hello)
    {
        var first = bytes.Slice(0, Math.Min(bytes.Length, ClientHello.MaxLength));
        return ClientHello.TryRead(first.IsSingleSegment ? first.FirstSpan : first.ToArray(), out hello);
    }

    private static int LengthOf(in ReadOnlySequence<byte> bytes)
    {
        Span<byte> header = stackalloc byte[RecordFormat.HeaderLength];
        if (bytes.Length < header.Length)
        {
            return 0;
        }

        bytes.Slice(0, header.Length).CopyTo(header);
        return RecordFormat.LengthOf(header);
    }
}
