namespace Baton.Engine;

/// <summary>A send: the shard copies straight out of the application's memory.</summary>
internal sealed class SendOperation(AsyncEndpoint owner, bool inline) : EndpointOperation(owner, inline)
{
    private ReadOnlyMemory<byte> _buffer;

    /// <summary>Starts one; its result is the number of bytes taken, at least one.</summary>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken token)
    {
        Take("send");
        _buffer = buffer;
        return new ValueTask<int>(this, Start(token));
    }

    protected override bool ReadsRemains => false;

    protected override bool TryComplete(Attachment attachment, out int result)
    {
        result = attachment.Write(_buffer.Span);
        return result > 0 || _buffer.IsEmpty;
    }

    protected override void Clear() => _buffer = default;
}
