namespace Baton.Link.Bpf;

/// <summary>A descriptor that bpf(2) gave, closed once.</summary>
internal sealed class BpfDescriptor : IDisposable
{
    private int _value;

    /// <summary>Takes what a call returned.</summary>
    /// <exception cref="LinkException">It was -1.</exception>
    public BpfDescriptor(int value, string problem)
    {
        if (value < 0)
        {
            throw Refused(problem, Syscalls.LastError);
        }

        _value = value;
    }

    /// <summary>The descriptor.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public int Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(_value < 0, this);
            return _value;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int value = Interlocked.Exchange(ref _value, -1);
        if (value >= 0)
        {
            _ = Syscalls.Close(value);
        }
    }

    /// <summary>Why bpf(2) refuses, and what mends it.</summary>
    public static LinkException Refused(string problem, int error) => error switch
    {
        Syscalls.EPERM or Syscalls.EACCES => new($"{problem}: eBPF takes CAP_BPF and CAP_NET_ADMIN, which this process has not.",
            "run as root; inside `unshare -Urnm` use the packet or the tap link", error),
        Syscalls.ENOSYS => new($"{problem}: this kernel has no eBPF.", "use the packet or the tap link", error),
        Syscalls.ENOMEM => new($"{problem}: there is no memory for it.", "make its limits smaller", error),
        _ => new($"{problem}: {Syscalls.Describe(error)}.", error: error),
    };
}
