using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Handoff.Tests.Farm;

internal enum EndpointPhase
{
    Active,
    Frozen,
    Embryo,
}

/// <summary>An endpoint whose whole life is the list of client packets it processed, and a blob that must arrive intact.</summary>
internal sealed class FarmEndpoint(EndpointId id, Flow flow, Epoch epoch, EndpointPhase phase)
{
    public EndpointId Id { get; } = id;

    public Flow Flow { get; } = flow;

    public Epoch Epoch { get; set; } = epoch;

    public EndpointPhase Phase { get; set; } = phase;

    public byte[] Blob { get; set; } = [];

    public List<int> Processed { get; set; } = [];

    public List<int> Held { get; set; } = [];

    public List<int> HeldInState { get; set; } = [];

    /// <summary>How many of <see cref="Held"/> went into the last STATE.</summary>
    public int HeldMark { get; set; }

    /// <summary>Both streams are complete: it answers what comes again, as whoever else has what is left of it.</summary>
    public bool InTimeWait { get; set; }

    public EncodedReference Reference { get; set; }

    public byte[] Context { get; set; } = [];

    public FrozenState ToState(int precopied) => new()
    {
        Image = Image(precopied),
        Context = Context,
        Held = [.. Held.Select(packet => (ReadOnlyMemory<byte>)Number(packet))],
        PrecopiedBytes = precopied,
    };

    public void Install(ReadOnlyMemory<byte> precopied, FrozenState state)
    {
        var image = state.Image.Span;
        int count = BinaryPrimitives.ReadInt32BigEndian(image);
        Processed = [];
        for (int i = 0; i < count; i++)
        {
            Processed.Add(BinaryPrimitives.ReadInt32BigEndian(image[(4 + 4 * i)..]));
        }

        Blob = [.. precopied.Span, .. image[(4 + 4 * count)..]];
        Context = state.Context.ToArray();
        HeldInState = [.. state.Held.Select(packet => BinaryPrimitives.ReadInt32BigEndian(packet.Span))];
    }

    private byte[] Image(int precopied)
    {
        var image = new byte[4 + 4 * Processed.Count + Blob.Length - precopied];
        BinaryPrimitives.WriteInt32BigEndian(image, Processed.Count);
        for (int i = 0; i < Processed.Count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(4 + 4 * i), Processed[i]);
        }

        Blob.AsSpan(precopied).CopyTo(image.AsSpan(4 + 4 * Processed.Count));
        return image;
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
