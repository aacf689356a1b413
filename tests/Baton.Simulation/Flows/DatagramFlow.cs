using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>
/// A UDP flow: the client sends at its own pace; the farm's application answers in proportion. Each datagram that arrives
/// is whole, is the flow's, and arrives no oftener than the network made copies of it.
/// </summary>
internal sealed class DatagramFlow : SimulatedFlow
{
    private readonly UdpEndpoint _endpoint;
    private readonly byte[] _buffer = new byte[8 * 1024];
    private readonly SeededRandom _random;
    private readonly Dictionary<Datagram, int> _deliveries = [];
    private readonly Dictionary<Datagram, int> _copies = [];
    private readonly Dictionary<uint, (FarmNode? Node, ulong Incarnation)> _written = [];
    private readonly HashSet<uint> _emitted = [];
    private uint _number;
    private uint _nextWritten;
    private bool _begun;
    private bool _released;

    public DatagramFlow(SimulationRun run, int index, FarmClient client, FarmNode home, UdpEndpoint endpoint, DatagramPlan plan)
        : base(run, index, client, home, endpoint.Flow.Tuple, IpProtocol.Udp)
    {
        _endpoint = endpoint;
        _random = run.Random.Split();
        Plan = plan;
    }

    public DatagramPlan Plan { get; }

    /// <summary>Bytes that the client has sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Datagrams that came to the farm's applications.</summary>
    public long DeliveredToFarm { get; private set; }

    /// <summary>Datagrams that came to the client.</summary>
    public long DeliveredToClient { get; private set; }

    public override bool IsComplete => Sent >= Plan.Up && _released;

    public override string Progress => $"client sent {Sent} of {Plan.Up}, farm got {DeliveredToFarm}, client got {DeliveredToClient} datagrams";

    /// <summary>Whether it was lost with a node and has begun anew.</summary>
    public bool HasBegunAnew { get; private set; }

    public UdpEndpoint ClientEndpoint => _endpoint;

    public override void Release() => _released = true;

    /// <summary>An application has it that was left nothing by another: it is new, or was lost.</summary>
    /// <returns>The number of the first datagram that it may send.</returns>
    public uint Begin()
    {
        if (_begun && !MayBeLost)
        {
            Run.Fail($"{Flow}: begins anew at a node, though none was lost.");
        }

        if (_begun)
        {
            HasBegunAnew = true;
            Run.Totals.Count(Total.DatagramFlowsBegunAnew);
        }

        _begun = true;
        return _nextWritten;
    }

    public void Start() => SendSome();

    public void OnEvents(EndpointEvents events)
    {
        while (_endpoint.TryReceive(_buffer, out int length, out _, out _))
        {
            OnDelivered(_buffer.AsSpan(0, length), fromClient: false);
        }
    }

    /// <summary>The network made a second copy.</summary>
    public void OnCopied(in Datagram datagram) => _copies[datagram] = _copies.GetValueOrDefault(datagram) + 1;

    /// <summary>The farm's application at a node sends a datagram.</summary>
    public void OnWritten(uint number, FarmNode node)
    {
        _nextWritten = Math.Max(_nextWritten, number + 1);
        if (_written.TryGetValue(number, out var before))
        {
            // An application whose later state died with its node may write the same again.
            if (before.Node is { IsUp: true } writer && writer.Incarnation == before.Incarnation)
            {
                Run.Fail($"{Flow}: datagram {number} is written at node {node.Name} and was at node {writer.Name}.");
            }

            _emitted.Remove(number);
            OnCopied(new Datagram(Index, FromClient: false, number));
        }

        _written[number] = (node, node.Incarnation);
    }

    /// <summary>
    /// A datagram of the farm leaves a node: the one where it was written, once. It may have waited there for the next
    /// hop's address while the endpoint moved on.
    /// </summary>
    public void OnEmitted(FarmNode node, ReadOnlySpan<byte> bytes)
    {
        if (Datagram.TryRead(bytes, out var datagram)
            && (_written.GetValueOrDefault(datagram.Number).Node != node || !_emitted.Add(datagram.Number)))
        {
            Run.Fail($"{Flow}: node {node.Name} emits {datagram}, written at node {_written.GetValueOrDefault(datagram.Number).Node?.Name}.");
        }
    }

    /// <summary>An end took a datagram out of its socket.</summary>
    public void OnDelivered(ReadOnlySpan<byte> payload, bool fromClient)
    {
        if (!Datagram.TryRead(payload, out var datagram)
            || datagram.Flow != Index
            || datagram.FromClient != fromClient
            || !datagram.IsContent(payload, Plan.Key))
        {
            Run.Fail($"{Flow}: a datagram of {payload.Length} bytes is not one that was sent.");
            return;
        }

        _ = fromClient ? DeliveredToFarm++ : DeliveredToClient++;
        int times = _deliveries[datagram] = _deliveries.GetValueOrDefault(datagram) + 1;
        int copies = 1 + _copies.GetValueOrDefault(datagram) + Run.UnnamedCopies;
        if (times > copies)
        {
            Run.Fail($"{Flow}: {datagram} was delivered {times} times, of {copies} copies.");
        }
    }

    private void SendSome()
    {
        long burst = Math.Min(1 + _random.Next(4), Sent < Plan.Up ? long.MaxValue : Plan.LaterBurst);
        for (; burst > 0 && (Sent < Plan.Up || !_released); burst--)
        {
            var payload = _buffer.AsSpan(0, Plan.LengthOf(_number));
            new Datagram(Index, FromClient: true, _number++).Write(payload, Plan.Key);
            _endpoint.Send(Run.Now, payload);
            Sent += payload.Length;
        }

        Client.Touch();
        if (!IsComplete)
        {
            // Past its length it goes on slowly, until the handoffs have been asked for.
            long pause = Sent < Plan.Up ? Plan.Pause.Ticks : Plan.LaterPause.Ticks;
            Run.After(new TimeSpan(1 + _random.Next(2 * pause)), SendSome);
        }
    }
}

/// <summary>What one UDP flow does.</summary>
internal sealed record DatagramPlan
{
    /// <summary>Names the bytes of both directions.</summary>
    public required ulong Key { get; init; }

    /// <summary>Bytes from the client.</summary>
    public required long Up { get; init; }

    /// <summary>Bytes to the client, if all of the client's arrive.</summary>
    public required long Down { get; init; }

    /// <summary>Between bursts of the client, on average.</summary>
    public required TimeSpan Pause { get; init; }

    /// <summary>The same once it has sent all and only goes on until the handoffs have been asked for.</summary>
    public TimeSpan LaterPause { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Datagrams of such a burst at most.</summary>
    public int LaterBurst { get; init; } = 4;

    /// <summary>Longest datagram.</summary>
    public required int MaxLength { get; init; }

    /// <summary>The length of a datagram follows from its number.</summary>
    public int LengthOf(uint number) => Datagram.NameLength + (int)((number * 2654435761u + Key) % (ulong)(MaxLength - Datagram.NameLength));
}
