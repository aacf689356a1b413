using System.Buffers;

namespace Baton.Engine;

/// <summary>A send: the shard copies straight out of the application's memory.</summary>
internal sealed class SendOperation(AsyncEndpoint owner, bool inline) : EndpointOperation(owner, inline)
{
    private ReadOnlySequence<byte> _buffers;
    private int _datagramLength;

    /// <summary>Starts one; its result is the number of bytes taken, at least one.</summary>
    /// <param name="buffers">What is sent.</param>
    /// <param name="token">Cancels it.</param>
    /// <param name="datagramLength">Of each datagram of a batch, which stands in one buffer; zero: it is none.</param>
    public ValueTask<int> SendAsync(in ReadOnlySequence<byte> buffers, CancellationToken token, int datagramLength = 0)
    {
        Take("send");
        (_buffers, _datagramLength) = (buffers, datagramLength);
        return new ValueTask<int>(this, Start(token));
    }

    protected override bool ReadsRemains => false;

    protected override bool TryComplete(Attachment attachment, out int result)
    {
        result = _datagramLength > 0 ? attachment.WriteBatch(_buffers.FirstSpan, _datagramLength)
            : _buffers.IsSingleSegment ? attachment.Write(_buffers.FirstSpan) : WriteEach(attachment);
        return result > 0 || _buffers.IsEmpty;
    }

    protected override void Clear() => _buffers = default;

    private int WriteEach(Attachment attachment)
    {
        int total = 0;
        foreach (var buffer in _buffers)
        {
            int taken = attachment.Write(buffer.Span);
            total += taken;
            if (taken < buffer.Length)
            {
                break;
            }
        }

        return total;
    }
}
