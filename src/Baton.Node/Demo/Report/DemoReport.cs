using Baton.Hosting;

namespace Baton.Node.Demo;

/// <summary>Something the demonstration claims, and whether it held.</summary>
internal sealed record DemoCheck(string Name, bool Held, string Detail);

/// <summary>A transfer whose connection was moved while it ran.</summary>
internal sealed record TransferReport(
    string Name, string Client, long Bytes, double Seconds, string Sha256, IReadOnlyList<HandoffView> Handoffs)
{
    /// <summary>Payload bytes that each node sent to the client, from the front capture by source MAC; retransmissions included.</summary>
    public IReadOnlyDictionary<string, long> SentByNode { get; set; } = new Dictionary<string, long>();

    /// <summary>Payload bytes of B's and C's answers that went by way of A.</summary>
    public long BytesBackThroughA { get; set; }
}

/// <summary>What one node counted.</summary>
internal sealed record NodeReport(
    string Name, long Connections, long HandedOff, long Taken, long Held, long Forwarded, long ForwardedByNic, long ForwardedLate, long Resets, IReadOnlyDictionary<string, long> Drops);

/// <summary>A capture of one network.</summary>
internal sealed record CaptureReport(string Network, string File, long Packets, long Dropped);

/// <summary>Everything the demonstration found out. The summary, and what <c>--json</c> prints.</summary>
internal sealed class DemoReport
{
    public bool Held => Checks.Count > 0 && Checks.All(c => c.Held);

    public double Seconds { get; set; }

    public List<DemoCheck> Checks { get; } = [];

    /// <summary>Who answered the short requests.</summary>
    public IReadOnlyDictionary<string, int> RequestsByNode { get; set; } = new Dictionary<string, int>();

    public List<TransferReport> Transfers { get; } = [];

    public List<HandoffView> Handoffs { get; } = [];

    public List<NodeReport> Nodes { get; } = [];

    public List<CaptureReport> Captures { get; } = [];

    /// <summary>RST segments seen at the client: from the farm, and in either direction on the moved transfers.</summary>
    public long Resets { get; set; }

    /// <summary>RST segments of the client's kernel on its short connections: answers to ACKs that came after it had closed.</summary>
    public long ResetsAfterClose { get; set; }

    public bool Check(string name, bool held, string detail)
    {
        lock (Checks)
        {
            Checks.Add(new(name, held, detail));
        }

        return held;
    }
}
