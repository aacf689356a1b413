namespace Baton.Handoff;

/// <summary>What STATE carries. All of it is opaque to the protocol.</summary>
public sealed record FrozenState
{
    /// <summary>The endpoint's image, as its stack wrote it.</summary>
    public required ReadOnlyMemory<byte> Image { get; init; }

    /// <summary>The application's own bytes; at most <see cref="HandoffLimits.MaxContextBytes"/>.</summary>
    public ReadOnlyMemory<byte> Context { get; init; }

    /// <summary>Packets held since the freeze, oldest first; at most <see cref="HandoffLimits.MaxHeldPackets"/>.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Held { get; init; } = [];

    /// <summary>
    /// How many of the precopied bytes the image builds on, from 0 to what the <see cref="HandoffOutput.Freeze"/> said
    /// that the target has. 0: the image is whole.
    /// </summary>
    public int PrecopiedBytes { get; init; }
}
