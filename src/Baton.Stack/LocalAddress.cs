using Baton.Wire;

namespace Baton.Stack;

/// <summary>Whether an address of ours may be used (RFC 4862 §5.4, RFC 5227 §2.1).</summary>
internal enum LocalAddressState : byte
{
    /// <summary>Others are being asked whether it is theirs: neither answered for nor used.</summary>
    Tentative,

    /// <summary>Ours.</summary>
    Assigned,

    /// <summary>Somebody else has it: not used.</summary>
    Duplicate,
}

/// <summary>One address that an interface has, or would like to have.</summary>
internal sealed class LocalAddress(InetAddress address, bool isService)
{
    public InetAddress Address { get; } = address;

    /// <summary>A service address whose home is here, rather than the node's own.</summary>
    public bool IsService { get; } = isService;

    public LocalAddressState State { get; set; }

    public bool IsAssigned => State == LocalAddressState.Assigned;

    /// <summary>Probes that are still to be sent.</summary>
    public int ProbesLeft { get; set; }

    /// <summary>Announcements that are still to be sent.</summary>
    public int AnnouncementsLeft { get; set; }

    /// <summary>The time from the next one to the one after it.</summary>
    public TimeSpan AnnounceInterval { get; set; }

    /// <summary>When the next of these is due.</summary>
    public Instant At { get; set; } = Instant.Never;

    /// <summary>Until when a conflict is not answered by another announcement.</summary>
    public Instant DefendedUntil { get; set; }
}
