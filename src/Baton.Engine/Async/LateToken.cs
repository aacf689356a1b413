namespace Baton.Engine;

/// <summary>
/// A cancellation token whose source is made when somebody asks for it, since for most connections nobody does. Kept in
/// place: a copy would be another token.
/// </summary>
internal struct LateToken
{
    private CancellationTokenSource? _source;
    private volatile bool _cancelled;

    /// <summary>Whether <see cref="Cancel"/> has been called.</summary>
    public readonly bool IsCancelled => _cancelled;

    /// <summary>The token. From any thread.</summary>
    public CancellationToken Token
    {
        get
        {
            var source = Volatile.Read(ref _source);
            if (source is null)
            {
                var made = new CancellationTokenSource();
                source = Interlocked.CompareExchange(ref _source, made, null) ?? made;

                // The exchange was a full fence: either this sees the flag, or the canceller sees the source.
                if (_cancelled)
                {
                    source.Cancel();
                }
            }

            return source.Token;
        }
    }

    /// <summary>Cancels it; callbacks registered on the token run elsewhere.</summary>
    public void Cancel()
    {
        _cancelled = true;
        Interlocked.MemoryBarrier();
        _ = Volatile.Read(ref _source)?.CancelAsync();
    }

    /// <summary>There is a new token from now on.</summary>
    public void Renew()
    {
        _cancelled = false;
        Volatile.Write(ref _source, null);
    }
}
