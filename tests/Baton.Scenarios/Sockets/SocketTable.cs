using Baton.Scenarios.Run;
using Baton.Scenarios.Script;

namespace Baton.Scenarios.Sockets;

/// <summary>The sockets of a script by its own numbers, and what calls need of their surroundings.</summary>
internal sealed class SocketTable(ScriptSettings settings, StackUnderTest host, FlowMaps flows)
{
    private readonly Dictionary<long, ScriptSocket> _sockets = [];

    public ScriptSettings Settings { get; } = settings;

    public StackUnderTest Host { get; } = host;

    public FlowMaps Flows { get; } = flows;

    /// <summary>The connection that assertions are about: the one that came last.</summary>
    public ScriptSocket? Latest { get; set; }

    public void Add(long number, ScriptSocket socket) => _sockets[number] = socket;

    public ScriptSocket? Find(long number) => _sockets.GetValueOrDefault(number);

    /// <summary>The socket that is a call's first argument.</summary>
    public ScriptSocket Of(SocketCall call) => Find(CallArguments.Number(call, 0))
        ?? throw new ScenarioFailedException(call.Line, $"{call.Name} on an open socket", $"no socket {call.Arguments[0]}");

    public void Remove(long number) => _sockets.Remove(number);
}
