using Baton.Wire;

namespace Baton.Stack.Tests;

/// <summary>
/// Hosts on one link without delay, and the time. Frames are passed on until nobody has any; each is kept for looking at.
/// </summary>
internal sealed class Network(params Host[] first)
{
    private readonly List<Host> _hosts = [.. first];
    private readonly Dictionary<Flow, (Host Owner, Endpoint Endpoint)> _moved = [];

    public Instant Now { get; private set; } = Instant.Zero;

    public List<Frame> Seen { get; } = [];

    /// <summary>Loses the frames for which it is true.</summary>
    public Func<Frame, bool> Loses { get; set; } = _ => false;

    /// <summary>A client whose every connection is a node's, and the home.</summary>
    public static Network OfClientAndHome(out Host client, out Host home, StackLimits? limits = null, bool offloads = false)
    {
        client = new Host(Host.Client, Host.ClientMac, offloads: offloads);
        home = Host.AtHome(limits, offloads);
        return new Network(client, home);
    }

    /// <summary>From now on the flow's packets reach another owner, as their home would forward them.</summary>
    public void Move(Host owner, Endpoint endpoint)
    {
        _hosts.Add(owner);
        _moved[endpoint.Flow] = (owner, endpoint);
    }

    /// <summary>Passes frames on until nobody has any.</summary>
    public void Run()
    {
        for (bool moved = true; moved;)
        {
            moved = false;
            foreach (var host in _hosts)
            {
                foreach (var frame in host.Emit(Now))
                {
                    moved = true;
                    Seen.Add(frame);
                    if (!Loses(frame))
                    {
                        Deliver(host, frame);
                    }
                }
            }
        }
    }

    /// <summary>Lets time pass, each deadline in its turn.</summary>
    public void Run(TimeSpan duration)
    {
        Run();
        var end = Now + duration;
        for (var next = Next(); next <= end; next = Next())
        {
            Now = Instant.Max(Now, next);
            foreach (var host in _hosts)
            {
                host.Stack.OnDeadline(Now);
            }

            Run();
        }

        Now = end;
    }

    private Instant Next() => _hosts.Select(h => h.Stack.NextDeadline).Min();

    private void Deliver(Host sender, Frame frame)
    {
        if (frame.Link.EtherType != EtherType.Arp && _moved.TryGetValue(frame.Packet.FlowAtDestination(), out var moved))
        {
            moved.Owner.Stack.OnServicePacket(Now, moved.Endpoint, frame.Packet, frame.PacketBytes, frame.Offload);
            return;
        }

        foreach (var host in _hosts)
        {
            if (host != sender && (frame.Link.Destination == host.Mac || frame.Link.Destination.IsMulticast))
            {
                // A partial checksum is the pseudo-header's only; between these hosts it is as good as verified.
                host.Receive(Now, frame);
            }
        }
    }
}
