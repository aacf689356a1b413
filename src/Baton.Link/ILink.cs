using Baton.Wire;

namespace Baton.Link;

/// <summary>What a link does for the stack.</summary>
[Flags]
public enum LinkOffloads
{
    /// <summary>Nothing: complete checksums, one packet a frame.</summary>
    None = 0,

    /// <summary>Takes and gives frames with <see cref="ChecksumState.Partial"/>.</summary>
    Checksum = 1,

    /// <summary>Takes and gives TCP frames of up to 64 KiB.</summary>
    Tso = 2,

    /// <summary>Takes and gives equal UDP datagrams in one frame of up to 64 KiB.</summary>
    Uso = 4,
}

/// <summary>
/// A device that frames (Ethernet, without FCS) enter and leave by. Used by one thread. Order of calls: a burst is
/// <see cref="Receive"/>, any number of <see cref="TrySend"/>, then <see cref="Flush"/>.
/// </summary>
public interface ILink : IDisposable
{
    /// <summary>For messages and captures.</summary>
    string Name { get; }

    /// <summary>The address of the stack's interface on this link.</summary>
    MacAddress Address { get; }

    /// <summary>Largest IP packet in bytes.</summary>
    int Mtu { get; }

    /// <summary>What it can do.</summary>
    LinkOffloads Offloads { get; }

    /// <summary>A file descriptor that polls readable when frames wait, or -1 (memory).</summary>
    int WaitDescriptor { get; }

    /// <summary>
    /// When <see cref="Receive"/> and <see cref="Flush"/> are due although the descriptor is silent: links that keep
    /// frames back (delay) say so here.
    /// </summary>
    Instant NextDeadline => Instant.Never;

    /// <summary>Gives up to <paramref name="limit"/> waiting frames to <paramref name="receiver"/>, each valid (and writable) only during its call.</summary>
    /// <returns>The number of frames given.</returns>
    int Receive(IFrameReceiver receiver, int limit);

    /// <summary>
    /// Sends one frame: <paramref name="headers"/>, then both payload parts, which are the caller's again when this returns.
    /// </summary>
    /// <returns>False when the link has no room now: the frame was not taken.</returns>
    bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default);

    /// <summary>Hands everything sent so far to the device: once for a burst, since it may take a system call.</summary>
    void Flush();
}

/// <summary>Takes what a link receives.</summary>
public interface IFrameReceiver
{
    /// <summary>
    /// A frame that <see cref="OnFrame"/> will give later in the same burst: what it will need can be brought near. Links that
    /// have several frames at once say so of all of them before they give the first; nothing depends on it.
    /// </summary>
    void Expect(ReadOnlySpan<byte> frame)
    {
    }

    /// <summary>One frame, valid only during the call.</summary>
    void OnFrame(ILink link, FrameOffload offload, Span<byte> frame);
}
