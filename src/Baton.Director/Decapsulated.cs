using Baton.Wire;

namespace Baton.Director;

/// <summary>What an encapsulated packet held.</summary>
public readonly ref struct Decapsulated
{
    internal Decapsulated(
        scoped in Reference reference, byte hops, ReadOnlySpan<byte> header, scoped in IpPacket layout,
        ReadOnlySpan<byte> packet)
    {
        Reference = reference;
        Hops = hops;
        Header = header;
        Layout = layout;
        Packet = packet;
    }

    /// <summary>The reference, read.</summary>
    public Reference Reference { get; }

    /// <summary>The hop count that it came with, at least 1.</summary>
    public byte Hops { get; }

    /// <summary>The reference's bytes, which the owner compares with what it issued.</summary>
    public ReadOnlySpan<byte> Header { get; }

    /// <summary>The client's packet's layout.</summary>
    public IpPacket Layout { get; }

    /// <summary>The client's packet, as the home received it.</summary>
    public ReadOnlySpan<byte> Packet { get; }
}
