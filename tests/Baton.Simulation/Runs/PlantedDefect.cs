namespace Baton.Simulation;

/// <summary>A defect that a test plants in the farm from outside, to show that the simulator finds it.</summary>
internal enum PlantedDefect
{
    /// <summary>None.</summary>
    None,

    /// <summary>The source goes on although the home has decided for the target.</summary>
    ThawAfterCommit,

    /// <summary>The target goes on although the home has not decided.</summary>
    EmbryoAcknowledges,

    /// <summary>A frozen copy or an embryo loses what it held.</summary>
    DroppedHeldPacket,

    /// <summary>The connection promises less at the target than it had promised at the source.</summary>
    ShrunkRightEdge,

    /// <summary>The home gives the target the source's epoch.</summary>
    ReusedEpoch,

    /// <summary>A home gives up what an owner has that it has not heard for two seconds.</summary>
    EarlyWriteOff,

    /// <summary>A node does not return a buffer.</summary>
    KeptBuffer,
}
