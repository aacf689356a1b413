using Baton.Scenarios.Script;

namespace Baton.Scenarios.Sockets;

/// <summary>The socket calls that scripts may make. Each starts its call and says how to ask for the result.</summary>
internal sealed class SocketCalls
{
    private readonly SocketTable _sockets;
    private readonly Dictionary<string, Func<SocketCall, PendingCall>> _calls;

    public SocketCalls(SocketTable sockets)
    {
        _sockets = sockets;
        var opening = new OpeningCalls(sockets);
        var transfer = new TransferCalls(sockets);
        var options = new OptionCalls(sockets);
        var closing = new ClosingCalls(sockets);
        _calls = new()
        {
            ["socket"] = opening.Socket,
            ["bind"] = opening.Bind,
            ["listen"] = opening.Listen,
            ["accept"] = opening.Accept,
            ["accept4"] = opening.Accept,
            ["connect"] = opening.Connect,
            ["read"] = call => transfer.Receive(call, CallArguments.Number(call, 2)),
            ["recv"] = call => transfer.Receive(call, CallArguments.Number(call, 2)),
            ["recvfrom"] = call => transfer.Receive(call, CallArguments.Number(call, 2)),
            ["recvmsg"] = call => transfer.Receive(call, CallArguments.MessageLength(call, 1)),
            ["sendmsg"] = call => transfer.Send(call, CallArguments.MessageLength(call, 1)),
            ["readv"] = call => transfer.Receive(call, CallArguments.VectorLength(call, 1)),
            ["write"] = call => transfer.Send(call, CallArguments.Number(call, 2)),
            ["send"] = call => transfer.Send(call, CallArguments.Number(call, 2)),
            ["sendto"] = call => transfer.Send(call, CallArguments.Number(call, 2)),
            ["writev"] = call => transfer.Send(call, CallArguments.VectorLength(call, 1)),
            ["poll"] = new PollCall(sockets).Poll,
            ["shutdown"] = closing.Shutdown,
            ["close"] = closing.Close,
            ["fcntl"] = options.Fcntl,
            ["ioctl"] = options.Ioctl,
            ["setsockopt"] = options.Set,
            ["getsockopt"] = options.Get,
        };
    }

    /// <summary>Whether there is a call of this name.</summary>
    public bool Knows(string name) => _calls.ContainsKey(name);

    /// <summary>Makes a call; its output leaves at once.</summary>
    public PendingCall Start(SocketCall call)
    {
        var pending = _calls[call.Name](call);
        _sockets.Host.TakeOutput();
        return () =>
        {
            var result = pending();
            _sockets.Host.TakeOutput();
            return result;
        };
    }

    /// <summary>Whether a call that has no result yet waits for one.</summary>
    public bool MayBlock(SocketCall call) => call.Name == "poll"
        || _sockets.Find(CallArguments.Number(call, 0)) is { NonBlocking: false }
        && !call.Arguments.Any(argument => argument.Contains("MSG_DONTWAIT", StringComparison.Ordinal));
}
