using System.Globalization;
using Baton.Scenarios.Script;
using Baton.Scenarios.Sockets;
using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>The socket call that blocks, if one does: as in packetdrill there is one caller.</summary>
internal sealed class BlockedCall(StackUnderTest host, TimeSpan tolerance)
{
    private PendingCall? _pending;
    private Instant _end;

    /// <summary>The call, or null.</summary>
    public SocketCall? Call { get; private set; }

    /// <summary>The moment at which the call must have returned.</summary>
    public Instant Deadline => Call is null ? Instant.Never : _end + tolerance;

    /// <summary>A call that is to return at <paramref name="end"/>.</summary>
    public void Begin(SocketCall call, PendingCall pending, Instant end)
    {
        (Call, _pending, _end) = (call, pending, end);
        Poll();
    }

    /// <summary>Takes the call's result, if it has one now.</summary>
    public void Poll()
    {
        if (Call is not { } call)
        {
            return;
        }

        string expected = $"{call.Name} returns {call.Result} at {At(_end)}";
        if (_pending!() is { } result)
        {
            Call = null;
            Compare(call, result);
            if ((host.Now - _end).Duration() > tolerance)
            {
                throw new ScenarioFailedException(call.Line, expected, $"{result} at {At(host.Now)}");
            }
        }
        else if (host.Now >= Deadline)
        {
            throw new ScenarioFailedException(call.Line, expected, "it still blocks");
        }
    }

    /// <summary>Compares a result with the script's.</summary>
    public static void Compare(SocketCall call, CallResult result)
    {
        if (result.Difference is not null || result.Value != call.Result || result.Error != call.Error)
        {
            throw new ScenarioFailedException(call.Line, $"{call.Name} returns {new CallResult(call.Result, call.Error)}", result.ToString());
        }
    }

    private static string At(Instant time) => (time - StackUnderTest.Start).TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture);
}
