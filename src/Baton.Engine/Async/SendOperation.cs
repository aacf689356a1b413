using System.Buffers;

namespace Baton.Engine;

/// <summary>A send: the shard copies straight out of the application's memory.</summary>
internal sealed class SendOperation(AsyncEndpoint owner, bool inline) : EndpointOperation(owner, inline)
{
    private ReadOnlySequence<byte> _buffers;

    /// <summary>Starts one; its result is the number of bytes taken, at least one.</summary>
    public ValueTask<int> SendAsync(in ReadOnlySequence<byte> buffers, CancellationToken token)
    {
        Take("send");
        _buffers = buffers;
        return new ValueTask<int>(this, Start(token));
    }

    protected override bool ReadsRemains => false;

    protected override bool TryComplete(Attachment attachment, out int result)
    {
        result = _buffers.IsSingleSegment ? attachment.Write(_buffers.FirstSpan) : WriteEach(attachment);
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
