namespace Baton.Wire;

/// <summary>What is to be done with a packet.</summary>
public enum VerdictKind : byte
{
    /// <summary>The flow has no entry: the stack decides by the RFCs.</summary>
    Unknown,

    /// <summary>The endpoint lives here: packet and reference go to the stack.</summary>
    Local,

    /// <summary>The endpoint lives at another node: encapsulate and forward.</summary>
    Forward,
}
