namespace Baton.Engine;

/// <summary>A receive or a look at what is there: the shard copies straight into the application's memory.</summary>
internal sealed class ReceiveOperation(AsyncEndpoint owner, bool inline) : EndpointOperation(owner, inline)
{
    private Memory<byte> _buffer;
    private int _minimum;
    private bool _peek;
    private bool _batch;

    /// <summary>Bytes of each datagram but the last that <see cref="ReceiveBatchAsync"/> took.</summary>
    public int DatagramLength { get; private set; }

    /// <summary>Starts one.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="minimum">Bytes to wait for, unless the client closes its direction before.</param>
    /// <param name="peek">Whether the bytes stay in the stream.</param>
    /// <param name="token">Cancels it.</param>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, int minimum, bool peek, CancellationToken token)
    {
        Take("receive");
        (_buffer, _minimum, _peek, _batch) = (buffer, minimum, peek, false);
        return new ValueTask<int>(this, Start(token));
    }

    /// <summary>Starts one that takes equal datagrams that wait one behind the other.</summary>
    public ValueTask<int> ReceiveBatchAsync(Memory<byte> buffer, CancellationToken token)
    {
        Take("receive");
        (_buffer, _minimum, _peek, _batch) = (buffer, 1, false, true);
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

        if (_batch)
        {
            result = attachment.ReadBatch(_buffer.Span, out int datagramLength);
            DatagramLength = datagramLength;
        }
        else
        {
            result = _peek ? attachment.Peek(_buffer.Span) : attachment.Read(_buffer.Span);
        }

        return true;
    }

    protected override void Clear() => _buffer = default;
}
