namespace Baton.Deploy;

/// <summary>What the clients saw.</summary>
internal sealed record Outcome
{
    public long Sent { get; set; }

    public long Disconnects { get; set; }

    /// <summary>Messages that were said and not heard.</summary>
    public long Lost { get; set; }

    public long Doubled { get; set; }

    public long Reordered { get; set; }

    /// <summary>How often a client was told that another node serves it.</summary>
    public long Moves { get; set; }

    /// <summary>Clients whose last node ran the old version.</summary>
    public long Old { get; set; }

    public long LongestWaitMs { get; set; }

    public long Requests { get; set; }

    public long FailedRequests { get; set; }

    /// <summary>Connections that the HTTP clients opened: as many as there are clients, if none was closed on them.</summary>
    public long Connections { get; set; }

    /// <summary>What the load generators counted.</summary>
    public IReadOnlyList<LoadOutcome> Loads { get; init; } = [];

    /// <summary>Requests that failed, whoever made them.</summary>
    public long AllFailedRequests => FailedRequests + Loads.Sum(load => load.Failed);

    /// <summary>Connections that were opened during the deploy, when every client had its own already.</summary>
    public long Reconnects { get; init; }

    /// <summary>What the browsers' pages showed last of who serves them; none without a browser.</summary>
    public IReadOnlyList<string> Pages { get; init; } = [];

    /// <summary>The first few things that went wrong, in words.</summary>
    public List<string> Errors { get; set; } = [];

    public bool Held => this is { Disconnects: 0, Lost: 0, Doubled: 0, Reordered: 0, AllFailedRequests: 0, Reconnects: 0, Moves: > 0, Old: 0 }
        && Loads.All(load => load.Requests > 0) && Connections == ClientProcess.HttpClients;
}
