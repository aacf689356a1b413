using Baton.Engine;
using HomePhase = Baton.Handoff.HomePhase;

namespace Baton.Hosting;

/// <summary>The farm as one node sees it.</summary>
/// <param name="AskedNode">The node that was asked.</param>
/// <param name="Nodes">Every member, those that cannot be reached among them.</param>
public sealed record FarmView(string AskedNode, IReadOnlyList<NodeView> Nodes);

/// <summary>One member of the farm.</summary>
public sealed record NodeView
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its number.</summary>
    public required int Id { get; init; }

    /// <summary><c>alive</c>, <c>draining</c> or <c>unreachable</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it could not be asked; null when it answered.</summary>
    public string? Error { get; init; }

    /// <summary>Its lan address.</summary>
    public required string Lan { get; init; }

    /// <summary>Its own front address.</summary>
    public required string Front { get; init; }

    /// <summary>The service addresses it is home of by configuration.</summary>
    public required IReadOnlyList<string> ServiceAddresses { get; init; }

    /// <summary>Endpoints it owns, as it last said.</summary>
    public required long LiveConnections { get; init; }

    /// <summary>Bytes that wait in its receive queues, as it last said.</summary>
    public required long QueuedBytes { get; init; }

    /// <summary>Its processor time in thousandths of a core, as it last said.</summary>
    public required int CpuPermille { get; init; }

    /// <summary>Process id, or null when it could not be asked.</summary>
    public int? Process { get; init; }

    /// <summary>Seconds since its start, or null when it could not be asked.</summary>
    public double? UptimeSeconds { get; init; }

    /// <summary>Who is home of what, as it knows it; null when it could not be asked.</summary>
    public IReadOnlyList<HomeView>? Homes { get; init; }

    /// <summary>What it has counted, or null when it could not be asked.</summary>
    public EngineCounters? Counters { get; init; }
}

/// <summary>Connections of the farm or of one node.</summary>
/// <param name="Connections">The endpoints, by node, then client.</param>
/// <param name="Unreachable">Members that could not be asked, and why.</param>
public sealed record ConnectionsView(IReadOnlyList<ConnectionView> Connections, IReadOnlyDictionary<string, string> Unreachable);

/// <summary>One endpoint (R2 to R4).</summary>
public sealed record ConnectionView
{
    /// <summary>The node where it lives.</summary>
    public required string Node { get; init; }

    /// <summary>Its name at that node.</summary>
    public required string Id { get; init; }

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>The client's address and port.</summary>
    public required string Client { get; init; }

    /// <summary>The service address and port that the client uses.</summary>
    public required string Server { get; init; }

    /// <summary>The service's name, or null for the node's own endpoints.</summary>
    public string? Service { get; init; }

    /// <summary>The TCP state by its name in RFC 9293, or OPEN for UDP.</summary>
    public required string State { get; init; }

    /// <summary><c>Active</c>, <c>Frozen</c> or <c>Embryo</c>.</summary>
    public required EndpointActivity Activity { get; init; }

    /// <summary>The owner's lan address and the application's port there.</summary>
    public required string Owner { get; init; }

    /// <summary>The application it is bound to, or null when it is unattached.</summary>
    public string? Application { get; init; }

    /// <summary>What binds it, or null when it is unattached.</summary>
    public string? Socket { get; init; }

    /// <summary>The ownership number.</summary>
    public required uint Epoch { get; init; }

    /// <summary>Initial send sequence number; null for UDP, as are the next four.</summary>
    public uint? Iss { get; init; }

    /// <summary>Initial receive sequence number.</summary>
    public uint? Irs { get; init; }

    /// <summary>Oldest unacknowledged sequence number.</summary>
    public uint? SndUna { get; init; }

    /// <summary>Next sequence number to be sent.</summary>
    public uint? SndNxt { get; init; }

    /// <summary>Next sequence number expected.</summary>
    public uint? RcvNxt { get; init; }

    /// <summary>Bytes received that the application has not taken.</summary>
    public required long ReceiveQueue { get; init; }

    /// <summary>Bytes written that the client has not acknowledged.</summary>
    public required long SendQueue { get; init; }

    /// <summary>Packets held now.</summary>
    public required int HeldPackets { get; init; }

    /// <summary>Payload bytes received at this node.</summary>
    public required long BytesIn { get; init; }

    /// <summary>Payload bytes sent by this node.</summary>
    public required long BytesOut { get; init; }

    /// <summary>Segments sent again.</summary>
    public required long Retransmitted { get; init; }

    /// <summary>Seconds since it came to this node.</summary>
    public required double AgeSeconds { get; init; }

    /// <summary>What its home does with its packets, when this node is the home.</summary>
    public string? HomeVerdict { get; init; }

    /// <summary>Handoffs that brought it here or failed to take it away.</summary>
    public required IReadOnlyList<HandoffView> History { get; init; }

    /// <summary>Why it is there, as far as the members still know, oldest first; null where several connections are listed.</summary>
    public IReadOnlyList<PlacementView>? Placements { get; init; }

    /// <summary>
    /// Bytes of the stream that the client has acknowledged, modulo 2^32; none before it has acknowledged the SYN. Null
    /// for UDP.
    /// </summary>
    public uint? AcknowledgedBytes => SndUna is { } una && Iss is { } iss ? una == iss ? 0 : una - iss - 1 : null;

    /// <summary>Bytes of the stream received in order, modulo 2^32; null for UDP.</summary>
    public uint? ReceivedBytes => RcvNxt is { } next && Irs is { } irs ? next - irs - 1 : null;
}

/// <summary>One handoff as one node saw it.</summary>
public sealed record HandoffView
{
    /// <summary>The node that tells.</summary>
    public required string Node { get; init; }

    /// <summary>Seconds since that node's start.</summary>
    public required double At { get; init; }

    /// <summary>That node's part.</summary>
    public required HandoffRole Role { get; init; }

    /// <summary>The run of the protocol.</summary>
    public required string Handoff { get; init; }

    /// <summary>The client's address and port.</summary>
    public required string Client { get; init; }

    /// <summary>The source's name.</summary>
    public required string From { get; init; }

    /// <summary>The target's name.</summary>
    public required string To { get; init; }

    /// <summary>The ownership number after it.</summary>
    public required uint Epoch { get; init; }

    /// <summary>How it ended.</summary>
    public required MoveOutcome Outcome { get; init; }

    /// <summary>Why, when it did not succeed.</summary>
    public required string Reason { get; init; }

    /// <summary>Time frozen, in microseconds.</summary>
    public required double FrozenMicroseconds { get; init; }

    /// <summary>Packets held meanwhile.</summary>
    public required int HeldPackets { get; init; }

    /// <summary>Bytes of the image.</summary>
    public required long ImageBytes { get; init; }
}

/// <summary>One entry of a directory (R10).</summary>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="Client">The client's address and port.</param>
/// <param name="Server">The service address and port.</param>
/// <param name="Owner">The owner's name.</param>
/// <param name="Epoch">The ownership number.</param>
/// <param name="Verdict">What is done with the flow's packets.</param>
/// <param name="Reference">The owner's reference as issued, in hexadecimal.</param>
public sealed record ForwardingView(
    string Protocol, string Client, string Server, string Owner, uint Epoch, string Verdict, string Reference);

/// <summary>Why a connection was placed at a node, or asked to leave one: what was known when it was decided.</summary>
/// <param name="Node">The node that decided.</param>
/// <param name="Service">The service address and port.</param>
/// <param name="SecondsAgo">When.</param>
/// <param name="Cause">Who asked for the move; null when the connection was established and to be served by somebody.</param>
/// <param name="Policy">The service's policy.</param>
/// <param name="Selected">The node that was selected; null for any other by the policy.</param>
/// <param name="Candidates">The members that could be reached, with their loads.</param>
public sealed record PlacementView(
    string Node, string Service, double SecondsAgo, MoveCause? Cause, string Policy, string? Selected, IReadOnlyList<PlacementCandidate> Candidates);

/// <summary>Asks for a move.</summary>
/// <param name="Connection">The endpoint's id, or the client's address and port.</param>
/// <param name="Target">The node it should go to.</param>
public sealed record MoveCommand(string Connection, string Target);

/// <summary>What came of it.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why, when it did not succeed.</param>
/// <param name="Connection">The endpoint as it was before, or null when there was none.</param>
/// <param name="Handoff">The handoff as its source saw it, when one was run.</param>
public sealed record MoveView(MoveOutcome Outcome, string Reason, ConnectionView? Connection, HandoffView? Handoff);

/// <summary>A drain.</summary>
/// <param name="Node">The node.</param>
/// <param name="State"><c>none</c>, <c>running</c>, <c>done</c> or <c>failed</c>.</param>
/// <param name="Progress">How far it is; null when none was begun.</param>
/// <param name="Error">Why it failed.</param>
public sealed record DrainView(string Node, string State, DrainProgress? Progress, string? Error = null);

/// <summary>Asks a node to take a dead one's service addresses.</summary>
/// <param name="Node">The dead node.</param>
/// <param name="Force">The operator has made sure that it is off.</param>
public sealed record TakeoverCommand(string Node, bool Force);

/// <summary>What came of it.</summary>
/// <param name="Node">The node that was asked.</param>
/// <param name="Taken">Whether it has the addresses.</param>
/// <param name="Reason">Why not; else empty.</param>
/// <param name="Addresses">The service addresses that it has taken.</param>
public sealed record TakeoverView(string Node, bool Taken, string Reason, IReadOnlyList<string> Addresses);

/// <summary>A service address, as the node that was asked knows it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Home">The node that holds it; null while nobody has said so.</param>
/// <param name="Incarnation">The number of that node's time as home.</param>
/// <param name="Phase">What the node that was asked is for it.</param>
public sealed record HomeView(string Address, string? Home, ulong Incarnation, HomePhase Phase);

/// <summary>Asks for a capture.</summary>
/// <param name="Directory">Where the files are written, <c>NODE-front.pcapng</c> and <c>NODE-lan.pcapng</c>.</param>
/// <param name="SnapLength">Bytes kept of a packet; 0 for all.</param>
public sealed record CaptureCommand(string Directory, int SnapLength);

/// <summary>A capture of one link.</summary>
/// <param name="Node">The node.</param>
/// <param name="Network"><c>front</c> or <c>lan</c>.</param>
/// <param name="File">The file.</param>
/// <param name="Packets">Packets written.</param>
/// <param name="Dropped">Packets that could not be written in time.</param>
/// <param name="Running">Whether it goes on.</param>
public sealed record CaptureView(string Node, string Network, string File, long Packets, long Dropped, bool Running);

/// <summary>What went wrong, for people.</summary>
/// <param name="Error">The message.</param>
public sealed record ErrorView(string Error);
