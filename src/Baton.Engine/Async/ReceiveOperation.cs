namespace Baton.Engine;

/// <summary>A receive or a look at what is there: the shard copies straight into the application's memory.</summary>
internal sealed class ReceiveOperation(AsyncEndpoint owner, bool inline) : EndpointOperation(owner, inline)
{
    private Memory<byte> _buffer;
    private int _minimum;
    private bool _peek;

    /// <summary>Starts one.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="minimum">Bytes to wait for, unless the client closes its direction before.</param>
    /// <param name="peek">Whether the bytes stay in the stream.</param>
    /// <param name="token">Cancels it.</param>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, int minimum, bool peek, CancellationToken token)
    {
        Take("receive");
        _buffer = buffer;
        _minimum = minimum;
        _peek = peek;
        return new ValueTask<int>(this, Start(token));
    }

    protected override bool ReadsRemains => true;

    protected override bool TryComplete(Attachment attachment, out int result)
    {
        result = 0;
        if (!attachment.HasInput(_minimum))
        {
            return false;
        }

        result = _peek ? attachment.Peek(_buffer.Span) : attachment.Read(_buffer.Span);
        return true;
    }

    protected override void Clear() => _buffer = default;
}
