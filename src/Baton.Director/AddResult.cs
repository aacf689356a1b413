namespace Baton.Director;

/// <summary>What became of a flow that was to be added.</summary>
public enum AddResult : byte
{
    /// <summary>It is in the table.</summary>
    Added,

    /// <summary>It was there already, and stays as it was.</summary>
    Exists,

    /// <summary>The table is full.</summary>
    Full,
}
