namespace Baton.Scenarios.Sockets;

/// <summary>What a socket call returns.</summary>
/// <param name="Value">The number; -1 on failure.</param>
/// <param name="Error">The errno's name, or null.</param>
/// <param name="Difference">Where the call's other outcomes (bytes read, events) are not the script's: what it is.</param>
internal readonly record struct CallResult(long Value, string? Error = null, string? Difference = null)
{
    public static CallResult Fail(string error) => new(-1, error);

    /// <inheritdoc/>
    public override string ToString() => Difference ?? (Error is null ? $"{Value}" : $"{Value} {Error}");
}

/// <summary>A call that has been made: polled until it has a result. Null: it would block.</summary>
internal delegate CallResult? PendingCall();
