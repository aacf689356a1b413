using System.Net;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Own;

/// <summary>What the own side had used up at some time.</summary>
/// <param name="Allocated">Bytes that the shard's thread has allocated.</param>
/// <param name="Frames">Frames that passed its links.</param>
/// <param name="Endpoints">Endpoints of all kinds.</param>
/// <param name="HalfOpen">Of these, in their handshake.</param>
/// <param name="Unattached">Of these, without an application.</param>
/// <param name="Cookies">SYNs answered by a cookie.</param>
internal readonly record struct ShardUsage(long Allocated, long Frames, int Endpoints, int HalfOpen, int Unattached, long Cookies);

/// <summary>
/// The own side: a node of one shard on a link to the client's namespace, driven by one thread on the server's core, with
/// applications that are called on that thread.
/// </summary>
internal sealed class ShardServer : IDisposable
{
    private readonly ILink _front;
    private readonly TapLink _lan;
    private readonly Shard _shard;
    private readonly PollSet _pollSet = new();
    private readonly TimeSpan _spin;
    private readonly Task<bool> _running;
    private volatile bool _stop;
    private volatile bool _asked;
    private ShardUsage _usage;

    /// <summary>Starts it on a TAP device named <c>own</c>.</summary>
    /// <param name="networkNamespace">Where the devices <c>own</c> and <c>lan</c> are made.</param>
    /// <param name="service">The address that clients use.</param>
    /// <param name="own">The node's own address on that network.</param>
    /// <param name="spin">How long it looks before it sleeps.</param>
    public ShardServer(string networkNamespace, IPAddress service, IPAddress own, TimeSpan spin)
        : this(TapLink.Open(new() { Name = "own", Namespace = networkNamespace }), networkNamespace, service, own, spin)
    {
    }

    /// <summary>Starts it.</summary>
    /// <param name="front">The link to the clients; disposed with the server.</param>
    /// <param name="networkNamespace">Where the device <c>lan</c> is made.</param>
    /// <param name="service">The address that clients use.</param>
    /// <param name="own">The node's own address on that network.</param>
    /// <param name="spin">How long it looks before it sleeps.</param>
    /// <param name="gateway">The way to all other networks, if there is one.</param>
    public ShardServer(ILink front, string networkNamespace, IPAddress service, IPAddress own, TimeSpan spin, IPAddress? gateway = null)
    {
        _front = front;
        _lan = TapLink.Open(new() { Name = "lan", Namespace = networkNamespace, Mtu = 9000 });
        _spin = spin;
        _shard = new Shard(Options(service, own, gateway), MonotonicClock.Now);
        Bind(ServerTask.Sink, () => new SinkApplication());
        Bind(ServerTask.Source, () => new SourceApplication());
        Bind(ServerTask.Echo, () => new EchoApplication());
        Bind(ServerTask.Fresh, () => new EchoApplication());
        _pollSet.Add(_front.WaitDescriptor);
        _pollSet.Add(_lan.WaitDescriptor);
        _running = Cores.RunOn(Cores.Server, "shard", Loop);
    }

    /// <summary>The stack's Ethernet address.</summary>
    public MacAddress Address => _front.Address;

    /// <summary>What was dropped, by reason.</summary>
    public IReadOnlyDictionary<string, long> Drops => _shard.Counters().Drops;

    /// <summary>Asks the shard's thread what it has used; to answer costs it nothing.</summary>
    public ShardUsage Usage()
    {
        _asked = true;
        _pollSet.Wake();
        while (_asked)
        {
            if (_running.IsCompleted)
            {
                throw new BenchException($"the own stack has stopped: {_running.Exception?.InnerException}");
            }

            Thread.Sleep(1);
        }

        return _usage;
    }

    public void Dispose()
    {
        if (_stop)
        {
            return;
        }

        _stop = true;
        _pollSet.Wake();
        Task.WhenAny(_running).GetAwaiter().GetResult();
        _pollSet.Dispose();
        _shard.Dispose();
        _front.Dispose();
        _lan.Dispose();
    }

    private EngineOptions Options(IPAddress service, IPAddress own, IPAddress? gateway) => new()
    {
        Node = "bench",
        Members =
        [
            new MemberOptions
            {
                Name = "bench",
                Id = new NodeId(1),
                LanAddress = InetAddress.Parse("192.0.2.1"),
                FrontAddress = InetAddress.FromIPAddress(own),
                ServiceAddresses = [InetAddress.FromIPAddress(service)],
            },
        ],
        Services = [.. Enum.GetValues<ServerTask>().Select(task => new ServiceOptions { Name = $"{task}", Port = (ushort)task })],
        Front = new() { Link = _front, PrefixLength = 24, Gateway = gateway is null ? null : InetAddress.FromIPAddress(gateway) },
        Lan = new() { Link = _lan, PrefixLength = 24 },
        Keys = EngineKeys.FromSecret("benchmark"u8),
        SpinTime = _spin,

        // There is nobody to exchange states with, and what a round allocates is no segment's.
        MembershipInterval = TimeSpan.FromSeconds(10),
    };

    private void Bind(ServerTask task, Func<IEndpointApplication> accept) =>
        _shard.Bind(new ApplicationBinding(new BatonEndPoint($"{task}"), IpProtocol.Tcp, $"{task}", accept));

    /// <summary>As the engine's own thread: run after run while there is something to do, a short spin, then sleep.</summary>
    private bool Loop()
    {
        PollSet.TightenTimers();
        var now = MonotonicClock.Now;
        var lastBusy = now;
        while (!_stop)
        {
            var deadline = _shard.Run(now);
            lastBusy = _shard.WasBusy ? now : lastBusy;
            Answer();
            now = MonotonicClock.Now;
            if (deadline > now && !_shard.WasBusy && now - lastBusy >= _spin)
            {
                _pollSet.Wait(now, deadline);
                now = MonotonicClock.Now;
            }
        }

        return true;
    }

    private static long Frames(ILink link) => link switch
    {
        TapLink tap => tap.Counters.Received + tap.Counters.Sent,
        PacketLink packet => packet.Counters.Received + packet.Counters.Sent,
        XdpLink xdp => xdp.Counters.Received + xdp.Counters.Sent,
        _ => 0,
    };

    private void Answer()
    {
        if (_asked)
        {
            var stack = _shard.Stack;
            _usage = new(
                GC.GetAllocatedBytesForCurrentThread(), Frames(_front) + Frames(_lan),
                stack.Endpoints.Count, stack.HalfOpenEndpoints, stack.UnattachedEndpoints, stack.SynCookiesSent);
            _asked = false;
        }
    }
}
