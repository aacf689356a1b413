using Baton.Wire;

namespace Baton.Handoff;

/// <summary>
/// What the home role wants done, in this order, after each call. Each is one line of the engine's table; where an answer
/// is due, the output names the call that takes it, at once.
/// </summary>
public abstract record HomeOutput
{
    private HomeOutput()
    {
    }

    /// <summary>Send a message on the channel to <paramref name="Peer"/>; drop it when there is none.</summary>
    /// <param name="Peer">Never this node.</param>
    /// <param name="Message">At most <see cref="HandoffLimits.MaxMessageBytes"/>.</param>
    public sealed record Send(NodeId Peer, ReadOnlyMemory<byte> Message) : HomeOutput
    {
        /// <summary>
        /// Not before every <see cref="Announce"/> and <see cref="RemoveUnlisted"/> told so far has been done, and what came of them
        /// has been sent: it lets their owner go on.
        /// </summary>
        public bool AfterAnnounced { get; init; }
    }

    /// <summary>Answer for the address on the front from now on, and announce it there.</summary>
    /// <param name="Address">The service address.</param>
    public sealed record TakeAddress(InetAddress Address) : HomeOutput;

    /// <summary>Do not answer for the address any more.</summary>
    /// <param name="Address">The service address.</param>
    public sealed record GiveAddress(InetAddress Address) : HomeOutput;

    /// <summary>
    /// Who is home has changed, or whether it decides: handoffs under way and ends not told yet turn to it.
    /// </summary>
    /// <param name="Address">The service address.</param>
    /// <param name="Home">Its home.</param>
    /// <param name="Serving">Whether it decides.</param>
    public sealed record HomeIs(InetAddress Address, NodeId Home, bool Serving) : HomeOutput;

    /// <summary>Give the endpoints of this node's behind the addresses to <see cref="HomeAgent.OnListed"/>.</summary>
    /// <param name="Home">To be passed back.</param>
    /// <param name="Number">To be passed back.</param>
    /// <param name="Addresses">The service addresses.</param>
    public sealed record ListEndpoints(NodeId Home, ulong Number, IReadOnlyList<InetAddress> Addresses) : HomeOutput;

    /// <summary>Give the directory's entries of the address to <see cref="HomeAgent.OnListed"/>.</summary>
    /// <param name="Heir">To be passed back as the home.</param>
    /// <param name="Number">To be passed back.</param>
    /// <param name="Address">The service address.</param>
    public sealed record ListDirectory(NodeId Heir, ulong Number, InetAddress Address) : HomeOutput;

    /// <summary>
    /// A member has told of an endpoint: put it into the directory, and answer with <see cref="HomeAgent.OnAnnounced"/>. One of this
    /// node's that has no place, or has lost it, ends at once: a <see cref="Speak"/> that follows does not wake it.
    /// </summary>
    /// <param name="Announced">The endpoint.</param>
    /// <param name="List">The member's list.</param>
    /// <param name="Recovering">Whether announcements make entries.</param>
    public sealed record Announce(Announcement Announced, ulong List, bool Recovering) : HomeOutput;

    /// <summary>The member's list is complete: what the directory says it owns and was not in it has ended.</summary>
    /// <param name="Owner">The member.</param>
    /// <param name="Address">The service address.</param>
    /// <param name="List">The list.</param>
    public sealed record RemoveUnlisted(NodeId Owner, InetAddress Address, ulong List) : HomeOutput;

    /// <summary>Take an entry of the home before into the directory.</summary>
    /// <param name="Entry">The entry.</param>
    public sealed record Restore(Announcement Entry) : HomeOutput;

    /// <summary>Remove the address's entries from the directory.</summary>
    /// <param name="Address">The service address.</param>
    public sealed record Forget(InetAddress Address) : HomeOutput;

    /// <summary>The member's endpoints are lost: remove their entries, counted.</summary>
    /// <param name="Owner">The member.</param>
    /// <param name="Address">The service address.</param>
    public sealed record WriteOff(NodeId Owner, InetAddress Address) : HomeOutput;

    /// <summary>Break the channel to a member, if there is one: nothing that was sent on it arrives any more.</summary>
    /// <param name="Peer">The member.</param>
    public sealed record BreakChannel(NodeId Peer) : HomeOutput;

    /// <summary>The home does not know an endpoint of this node's any more: it ends silently.</summary>
    /// <param name="Flow">The flow.</param>
    /// <param name="Endpoint">The endpoint.</param>
    public sealed record Discard(Flow Flow, EndpointId Endpoint) : HomeOutput;

    /// <summary>
    /// The lease is over: this node's endpoints behind the address emit nothing from now on, and hold what arrives. Said again, it is of
    /// those that have become active since.
    /// </summary>
    /// <param name="Address">The service address.</param>
    public sealed record Silence(InetAddress Address) : HomeOutput;

    /// <summary>The home knows this node's endpoints again: they go on.</summary>
    /// <param name="Address">The service address.</param>
    public sealed record Speak(InetAddress Address) : HomeOutput;

    /// <summary>This node's silent endpoints behind the address, which their last home may have given up, end silently.</summary>
    /// <param name="Address">The service address.</param>
    public sealed record EndSilent(InetAddress Address) : HomeOutput;

    /// <summary>
    /// Say with <see cref="HomeAgent.OnSilence"/> whether this node has heard nothing of <paramref name="Home"/> for lease and
    /// margin.
    /// </summary>
    /// <param name="Asker">Who wants to take over: pass it back.</param>
    /// <param name="Number">Pass it back.</param>
    /// <param name="Home">The node that is said to be dead.</param>
    public sealed record AskSilence(NodeId Asker, ulong Number, NodeId Home) : HomeOutput;

    /// <summary>A takeover has ended.</summary>
    /// <param name="From">The node whose addresses were to be taken.</param>
    /// <param name="Result">What came of it.</param>
    /// <param name="By">Who spoke against it, or none.</param>
    /// <param name="Addresses">What was taken.</param>
    public sealed record TakeoverEnded(NodeId From, TakeoverResult Result, NodeId By, IReadOnlyList<InetAddress> Addresses) : HomeOutput;
}

/// <summary>What came of a takeover.</summary>
public enum TakeoverResult : byte
{
    /// <summary>The addresses are this node's.</summary>
    Taken,

    /// <summary>The node is home of no address.</summary>
    NothingToTake,

    /// <summary>A member still hears the node, or has done so within lease and margin.</summary>
    StillHeard,

    /// <summary>Not more than half of the members could say that the node is silent.</summary>
    NoMajority,

    /// <summary>Another takeover is under way here.</summary>
    Busy,
}
