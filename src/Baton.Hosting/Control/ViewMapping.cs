using System.Globalization;
using Baton.Engine;
using Baton.Wire;

namespace Baton.Hosting;

/// <summary>Writes the engine's descriptions as the control API shows them.</summary>
internal sealed class ViewMapping(BatonEngine engine)
{
    public ConnectionView Connection(EndpointDescription e) => new()
    {
        Node = NameOf(e.Owner),
        Id = e.Id.ToString(),
        Protocol = Protocol(e.Flow.Protocol),
        Client = Client(e.Flow),
        Server = Server(e.Flow),
        Service = e.Service,
        State = e.State,
        Activity = e.Activity,
        Owner = At(e.OwnerAddress, e.OwnerPort),
        Application = e.Application,
        Socket = e.Socket,
        Epoch = e.Epoch.Value,
        Iss = e.Sequence?.Iss.Value,
        Irs = e.Sequence?.Irs.Value,
        SndUna = e.Sequence?.SndUna.Value,
        SndNxt = e.Sequence?.SndNxt.Value,
        RcvNxt = e.Sequence?.RcvNxt.Value,
        ReceiveQueue = e.ReceiveQueue,
        SendQueue = e.SendQueue,
        HeldPackets = e.HeldPackets,
        BytesIn = e.BytesIn,
        BytesOut = e.BytesOut,
        Retransmitted = e.Retransmitted,
        AgeSeconds = e.Age.TotalSeconds,
        HomeVerdict = e.HomeVerdict,
        History = [.. e.History.Select(Handoff)],
    };

    public HandoffView Handoff(HandoffEvent e) => new()
    {
        Node = engine.Self.Name,
        At = e.At.TotalSeconds,
        Role = e.Role,
        Handoff = e.Handoff.ToString(),
        Client = Client(e.Flow),
        From = NameOf(e.From),
        To = NameOf(e.To),
        Epoch = e.Epoch.Value,
        Outcome = e.Outcome,
        Reason = e.Reason,
        FrozenMicroseconds = e.FrozenMicroseconds,
        HeldPackets = e.HeldPackets,
        ImageBytes = e.ImageBytes,
    };

    public PlacementView Placement(PlacementDecision p) => new(
        engine.Self.Name, Server(p.Flow), p.Age.TotalSeconds, p.Cause, p.Policy, p.Selected, p.Candidates);

    public static ForwardingView Forwarding(ForwardingEntry e) => new(
        Protocol(e.Flow.Protocol),
        Client(e.Flow),
        Server(e.Flow),
        e.OwnerName,
        e.Epoch.Value,
        e.Verdict,
        Convert.ToHexStringLower(e.Reference.Span));

    /// <summary>A member that was not asked, or could not be: what it last said of itself.</summary>
    public static NodeView Node(MemberDescription member, string? error) => new()
    {
        Name = member.Name,
        Id = member.Id.Value,
        State = error is not null || !member.Reachable ? "unreachable" : member.State?.Draining == true ? "draining" : "alive",
        Error = error,
        Lan = member.LanAddress.ToString(),
        Front = member.FrontAddress.ToString(),
        ServiceAddresses = [.. member.ServiceAddresses.Select(a => a.ToString())],
        LiveConnections = member.State?.LiveConnections ?? 0,
        QueuedBytes = (long)(member.State?.QueuedBytes ?? 0),
        CpuPermille = (int)(member.State?.CpuPermille ?? 0),
    };

    public static string Client(Flow flow) => At(flow.Tuple.RemoteAddress, flow.Tuple.RemotePort);

    private static string Server(Flow flow) => At(flow.Tuple.LocalAddress, flow.Tuple.LocalPort);

    private static string Protocol(IpProtocol protocol) => protocol == IpProtocol.Udp ? "udp" : "tcp";

    private static string At(InetAddress address, ushort port) => string.Create(
        CultureInfo.InvariantCulture, $"{(address.IsV4 ? address.ToString() : $"[{address}]")}:{port}");

    private string NameOf(NodeId id) => engine.Members.FirstOrDefault(m => m.Id == id)?.Name ?? id.ToString();
}
