using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>Where an endpoint of a service stands on its way to an application.</summary>
internal enum EndpointStage
{
    /// <summary>It has not been decided which node serves it.</summary>
    Unplaced,

    /// <summary>It is to be served here: the first listener that fits gets it.</summary>
    Placed,

    /// <summary>Its application left it: only an explicit attach takes it.</summary>
    Detached,

    /// <summary>Its application has closed it: it ends by itself.</summary>
    Closing,
}

/// <summary>What the engine knows of an endpoint beyond the stack; stands in the endpoint's tag.</summary>
internal sealed class EndpointRecord(Endpoint endpoint, Instant since)
{
    private const int MaxHistory = 32;

    private static readonly TimeSpan s_maxFreezeBudget = TimeSpan.FromSeconds(1);

    // Most endpoints never move.
    private Queue<HandoffEvent>? _history;

    public Endpoint Endpoint { get; } = endpoint;

    /// <summary>Since when it is here.</summary>
    public Instant Since { get; } = since;

    public EndpointStage Stage { get; set; }

    /// <summary>The application that is to have it; null for any of the service.</summary>
    public string? WantedApplication { get; set; }

    /// <summary>What the last application left for the next.</summary>
    public ReadOnlyMemory<byte> Context { get; set; }

    /// <summary>What the last application had taken but not used.</summary>
    public ReadOnlyMemory<byte> Unread { get; set; }

    /// <summary>Whether an application has had it, here or elsewhere.</summary>
    public bool Served { get; set; }

    /// <summary>The node it came from; none when it began here.</summary>
    public NodeId From { get; set; }

    /// <summary>The handoff under way, or null.</summary>
    public RunningHandoff? Running { get; set; }

    /// <summary>Frozen because its home cannot be heard, not for a handoff.</summary>
    public bool IsSuspended { get; set; }

    /// <summary>
    /// It was here when its home's lease ended, or when its home was lost since; one that has come or gone on after that is so by the home's word.
    /// </summary>
    public bool OutlivedLease { get; set; }

    /// <summary>In a handoff when its home said that it does not know it any more: it ends when the handoff has left it here.</summary>
    public bool IsGone { get; set; }

    /// <summary>A move that was asked for while the endpoint was still arriving; done once it has.</summary>
    public Action? Deferred { get; set; }

    /// <summary>The move that its application was asked for and has not answered, or null.</summary>
    public PendingMove? Pending { get; set; }

    /// <summary>A drain leaves it alone until then: its last attempt failed.</summary>
    public Instant RetryAt { get; set; }

    /// <summary>Handoffs from here in a row that were called off because they froze it for longer than their budget.</summary>
    public int Overruns { get; private set; }

    /// <summary>Handoffs that brought it here or failed to take it away; the last ones.</summary>
    public IReadOnlyCollection<HandoffEvent> History => _history ?? (IReadOnlyCollection<HandoffEvent>)[];

    /// <summary>The binding, or null.</summary>
    public Attachment? Attachment => Endpoint.Application as Attachment;

    /// <summary>The record of an endpoint of a service.</summary>
    public static EndpointRecord? Of(Endpoint endpoint) => endpoint.Tag as EndpointRecord;

    /// <summary>
    /// How long its next handoff may freeze it: the budget, doubled with each overrun up to a second. Where every node is slow,
    /// a longer pause is better than a connection that never gets away.
    /// </summary>
    /// <param name="budget">The budget of the first.</param>
    /// <param name="overruns">How often at least it is doubled.</param>
    public TimeSpan FreezeBudget(TimeSpan budget, int overruns)
    {
        overruns = Math.Max(overruns, Overruns);
        for (int i = 0; i < overruns && budget < s_maxFreezeBudget; i++)
        {
            budget = TimeSpan.FromTicks(Math.Min(budget.Ticks * 2, s_maxFreezeBudget.Ticks));
        }

        return budget;
    }

    /// <summary>A handoff from here has ended.</summary>
    public void OnHandoffEnded(bool overBudget) => Overruns = overBudget ? Overruns + 1 : 0;

    public void Add(HandoffEvent handoff)
    {
        _history ??= new();
        if (_history.Count == MaxHistory)
        {
            _history.Dequeue();
        }

        _history.Enqueue(handoff);
    }
}
