using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// Secrets of the stack. They belong to the whole farm and come from its configuration, so that a flow's initial sequence
/// number and timestamp offset do not depend on the node that chose them.
/// </summary>
/// <param name="Sequence">Key of initial sequence numbers (RFC 6528).</param>
/// <param name="Timestamp">Key of timestamp offsets (RFC 7323 §5.4).</param>
public readonly record struct StackKeys(HashKey Sequence, HashKey Timestamp)
{
    /// <summary>Key of the first SYN cookies, until <see cref="NetworkStack.ChangeCookieKey"/> gives another.</summary>
    public HashKey Cookie => new(SipHash.Compute(Sequence, "cookie 1"u8), SipHash.Compute(Sequence, "cookie 2"u8));

    /// <summary>Key of TCP Fast Open cookies (RFC 7413 §4.1.2); the day is part of what is hashed, so that cookies change of themselves.</summary>
    public HashKey FastOpen => new(SipHash.Compute(Sequence, "fast open 1"u8), SipHash.Compute(Sequence, "fast open 2"u8));
}
