namespace Baton.Kestrel.Hubs;

/// <summary>
/// Calls under way on a hub's connection, in both directions: while there is one, the connection does not move. Seen in
/// what passes, since only that says when an answer has been sent.
/// </summary>
/// <param name="onIdle">Called when the last one has ended.</param>
internal sealed class HubCalls(Action onIdle)
{
    /// <summary>Calls at the same time beyond which the connection stays.</summary>
    private const int MaxCalls = 1000;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _ofClient = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ofHub = new(StringComparer.Ordinal);
    private long _ahead;
    private int _running;
    private bool _isOpen, _stays;

    /// <summary>Whether the connection may move.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _isOpen && !_stays && _ahead == 0 && _running == 0 && _ofClient.Count == 0 && _ofHub.Count == 0;
            }
        }
    }

    /// <summary>The handshake has been answered.</summary>
    public void Open() => Change(() => _isOpen = true);

    /// <summary>The connection does not move: it speaks what is not understood here.</summary>
    public void Stay() => Change(() => _stays = true);

    /// <summary>Bytes of the client's are on their way to the hub.</summary>
    public void OnReceived(int length) => Change(() => _ahead += length);

    /// <summary>The hub has dealt with bytes: answers have reached those who asked, calls have begun.</summary>
    public void OnConsumed(long length) => Change(() => _ahead -= length);

    /// <summary>The client has sent a record.</summary>
    public void OnReceived(HubRecord record) => Change(() =>
    {
        switch (record.Type)
        {
            case HubRecord.Invocation or HubRecord.StreamInvocation:
                Add(_ofClient, record.Id);
                break;
            case HubRecord.Completion when record.Id is not null:
                _ofHub.Remove(record.Id);
                break;
            default:
                break;
        }
    });

    /// <summary>A record of the hub's is about to be sent: a question is under way from now on.</summary>
    public void OnSending(HubRecord record)
    {
        if (record.Type == HubRecord.Invocation)
        {
            Change(() => Add(_ofHub, record.Id));
        }
    }

    /// <summary>A record of the hub's has been sent: an answer has ended its call.</summary>
    public void OnSent(HubRecord record)
    {
        if (record is { Type: HubRecord.Completion, Id: { } call })
        {
            Change(() => _ofClient.Remove(call));
        }
    }

    /// <summary>A method of the hub begins. Not every call has an answer by which its end could be seen.</summary>
    public void BeginMethod() => Change(() => _running++);

    /// <summary>A method of the hub has ended.</summary>
    public void EndMethod() => Change(() => _running--);

    private void Add(HashSet<string> calls, string? id)
    {
        if (id is not null && !calls.Add(id))
        {
            return;
        }

        _stays |= calls.Count > MaxCalls;
    }

    private void Change(Action change)
    {
        bool wasIdle, isIdle;
        lock (_lock)
        {
            wasIdle = IsIdle;
            change();
            isIdle = IsIdle;
        }

        if (isIdle && !wasIdle)
        {
            onIdle();
        }
    }
}
