using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>A link that outlives those that wrap it, and calls back when a frame has left.</summary>
internal sealed class PassingLink(ILink inner, Action? onSent = null) : ILink
{
    public string Name => inner.Name;

    public MacAddress Address => inner.Address;

    public int Mtu => inner.Mtu;

    public LinkOffloads Offloads => inner.Offloads;

    public int WaitDescriptor => inner.WaitDescriptor;

    public int Receive(IFrameReceiver receiver, int limit) => inner.Receive(receiver, limit);

    public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more)
    {
        bool sent = inner.TrySend(offload, headers, payload, more);
        onSent?.Invoke();
        return sent;
    }

    public void Flush() => inner.Flush();

    public void Dispose()
    {
    }
}
