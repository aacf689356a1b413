using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Handoff;

/// <summary>The outputs in order, and which channels there are.</summary>
internal sealed class HomeOutbox(NodeId self)
{
    private readonly Queue<HomeOutput> _outputs = new();
    private readonly HashSet<NodeId> _up = [];

    public NodeId Self { get; } = self;

    public IEnumerable<NodeId> Peers => _up;

    public void ChannelUp(NodeId peer) => _up.Add(peer);

    public void ChannelDown(NodeId peer) => _up.Remove(peer);

    /// <summary>Whether there is a channel to another node.</summary>
    public bool Reaches(NodeId peer) => _up.Contains(peer);

    public void Add(HomeOutput output) => _outputs.Enqueue(output);

    /// <summary>Sends, unless the channel is down: what matters is told anew when it is re-made.</summary>
    public void Send(NodeId peer, byte[] message, bool afterAnnounced = false)
    {
        if (Reaches(peer))
        {
            Add(new HomeOutput.Send(peer, message) { AfterAnnounced = afterAnnounced });
        }
    }

    public bool TryTake([NotNullWhen(true)] out HomeOutput? output) => _outputs.TryDequeue(out output);
}
