namespace Baton.Engine;

/// <summary>What an application says when it hands its endpoint off.</summary>
public sealed record HandOffRequest
{
    /// <summary>The node that is to take it, or null for a choice by policy.</summary>
    public string? Target { get; init; }

    /// <summary>The application that is to take it there, or null for one of the same name.</summary>
    public string? Application { get; init; }

    /// <summary>The application's own state, opaque to the engine (R32).</summary>
    public ReadOnlyMemory<byte> Context { get; init; }

    /// <summary>
    /// Bytes taken from the stream but not used: the next application reads them first. An application that looks with
    /// <see cref="Connection.PeekAsync"/> leaves its bytes where they are and needs this not.
    /// </summary>
    public ReadOnlyMemory<byte> Unread { get; init; }
}
