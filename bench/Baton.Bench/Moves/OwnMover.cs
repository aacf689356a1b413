using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Farm;
using Baton.Bench.Machine;
using Baton.Engine;
using Baton.Handoff;
using Baton.Link;
using Baton.Wire;

namespace Baton.Bench.Moves;

/// <summary>
/// A node of the own side in a process of its own: one shard, driven by one thread that has a core for itself, with
/// applications that are called on that thread. It moves its connection when the benchmark's schedule says so.
/// </summary>
internal sealed class OwnMover : IDisposable
{
    /// <summary>The word that starts this program as one.</summary>
    public const string Name = "own-mover";

    /// <summary>The option for channels under a seal.</summary>
    public const string Sealed = "--sealed";

    private const int MostMoves = 16_384;

    private readonly EngineOptions _options;
    private readonly Shard _shard;
    private readonly PollSet _pollSet = new();
    private readonly Commands _commands;
    private readonly HashSet<MovingApplication> _here = [];
    private readonly byte[] _fill = new byte[256 << 10];

    // Room for all of a schedule's, so that what is measured is not how they grow.
    private readonly Dictionary<HandoffId, long> _asked = new(MostMoves), _frozen = new(MostMoves), _arrived = new(MostMoves);
    private readonly Dictionary<HandoffId, long> _installed = new(MostMoves), _decided = new(MostMoves), _active = new(MostMoves);
    private int _collections;
    private TimeSpan _paused;
    private Samples _samples = new();
    private Schedule? _schedule;
    private long _stepBegan;
    private HandoffOutput? _step;
    private bool _moving;
    private Draining? _drain;

    private OwnMover(string switchNamespace, string node, bool isSealed)
    {
        _options = OwnNetwork.NodeOptions(switchNamespace, node) with { Authenticator = isSealed ? new TrustingAuthenticator() : null };
        _shard = new Shard(_options, MonotonicClock.Now);
        _shard.Handoffs.Observer = OnStep;
        Target = node == OwnNetwork.Nodes[0] ? OwnNetwork.Nodes[1] : OwnNetwork.Nodes[0];
        _shard.Bind(new ApplicationBinding(new BatonEndPoint(FarmNetwork.Service), IpProtocol.Tcp, FarmNetwork.Service, () => new MovingApplication(this)));
        _pollSet.Add(_options.Front.Link.WaitDescriptor);
        _pollSet.Add(_options.Lan.Link.WaitDescriptor);
        _commands = new Commands(_pollSet.Wake);
    }

    /// <summary>The node that its connections move to.</summary>
    public string Target { get; }

    /// <summary>What its applications do.</summary>
    public MoverMode Mode { get; private set; } = MoverMode.Echo;

    /// <summary>Bytes that an application queues at once in <see cref="MoverMode.Fill"/>.</summary>
    public ReadOnlySpan<byte> Fill => _fill.AsSpan(0, FillLength);

    private int FillLength { get; set; }

    public static int Run(string switchNamespace, string node, bool isSealed)
    {
        using var mover = new OwnMover(switchNamespace, node, isSealed);
        return Cores.RunOn(node == OwnNetwork.Nodes[0] ? Cores.Server : Cores.Client, "shard", mover.Loop).GetAwaiter().GetResult();
    }

    /// <summary>A connection is here.</summary>
    public void OnArrived(MovingApplication application, bool handedOver)
    {
        _here.Add(application);
        if (handedOver && _schedule is { } schedule)
        {
            schedule.Done++;
        }
    }

    /// <summary>A connection has gone.</summary>
    public void OnLeft(MovingApplication application, LeaveReason reason)
    {
        _here.Remove(application);
        if (_drain is { } drain && reason == LeaveReason.Moved && --drain.Left == 0)
        {
            drain.Took = (long)Stopwatch.GetElapsedTime(drain.Began).TotalNanoseconds;
        }
    }

    public void Dispose()
    {
        _shard.Dispose();
        _pollSet.Dispose();
        _options.Front.Link.Dispose();
        _options.Lan.Link.Dispose();
    }

    private MemberOptions Self => Member(_options.Node);

    private MemberOptions Member(string name) => _options.Members.First(member => member.Name == name);

    private int Loop()
    {
        PollSet.TightenTimers();
        var now = MonotonicClock.Now;
        var lastBusy = now;
        while (!_commands.Ended)
        {
            var deadline = _shard.Run(now);
            bool busy = _shard.WasBusy | Step() | _shard.RunningHandoffs > 0;
            now = MonotonicClock.Now;
            if (_schedule is { IsOver: false } schedule)
            {
                var awakeFrom = new Instant(schedule.AwakeFrom / 100);
                busy |= now >= awakeFrom;
                deadline = Instant.Min(deadline, awakeFrom);
            }

            lastBusy = busy ? now : lastBusy;
            if (deadline > now && now - lastBusy >= OwnNetwork.Spin)
            {
                _pollSet.Wait(now, deadline);
                now = MonotonicClock.Now;
            }
        }

        return 0;
    }

    private bool Step()
    {
        bool any = false;
        while (_commands.TryTake(out var words))
        {
            any = true;
            Do(words);
        }

        if (_drain is { Left: 0 } drain)
        {
            // Before the address goes as well: the next drain is to be of a home's connections too.
            _drain = null;
            _shard.Moves.Cancel(drain.Job!);
            _shard.SetDraining(false);
            Commands.Answer(drain.Took);
        }

        if (_schedule is { } schedule)
        {
            if (schedule.IsDue && !_moving && _here.Count > 0)
            {
                Move();
                any = true;
            }
            else if (schedule.IsOver && !_moving)
            {
                _schedule = null;
                Commands.Answer(_samples with
                {
                    Asked = Named(_asked),
                    Frozen = Named(_frozen),
                    Arrived = Named(_arrived),
                    Installed = Named(_installed),
                    Decided = Named(_decided),
                    Active = Named(_active),
                    Collections = GC.CollectionCount(0) - _collections,
                    Paused = (long)(GC.GetTotalPauseDuration() - _paused).TotalMicroseconds,
                });
            }
        }

        return any;
    }

    private void Do(string[] words)
    {
        switch (words[0])
        {
            case "mode":
                Mode = Enum.Parse<MoverMode>(words[1]);
                FillLength = int.Parse(words[2], CultureInfo.InvariantCulture);

                // A node that sends all the time does not sleep.
                Cores.Hurry(Mode == MoverMode.Source ? 0 : 1);
                Commands.Answer(true);
                break;
            case "meets":
                Commands.Answer(_shard.IsChannelUp(Member(Target).Id) && _shard.AnswersFor(Self.ServiceAddresses[0]));
                break;
            case "readable":
                Commands.Answer(_here.Sum(application => application.Readable));
                break;
            case "here":
                Commands.Answer(_here.Count);
                break;
            case "moves":
                _samples = new();
                foreach (var moments in (Dictionary<HandoffId, long>[])[_asked, _frozen, _arrived, _installed, _decided, _active])
                {
                    moments.Clear();
                }

                (_collections, _paused) = (GC.CollectionCount(0), GC.GetTotalPauseDuration());
                _schedule = Schedule.Read(words);
                break;
            case "drain":
                _drain = new Draining { Began = Stopwatch.GetTimestamp(), Left = _here.Count };
                _shard.SetDraining(true);
                _drain.Job = _shard.Moves.Drain(static _ => { });
                break;
            case "drops":
                Commands.Answer(_shard.Counters().Drops);
                break;
            default:
                throw new BenchException($"there is no command {words[0]}");
        }
    }

    private void Move()
    {
        _moving = true;
        var samples = _samples;
        long asked = Stopwatch.GetTimestamp();
        _shard.RequestMove(_here.First().Id, Target, MoveCause.Operator, result =>
        {
            _moving = false;
            if (!result.Moved)
            {
                samples.Failed++;
                samples.Why[result.Reason] = samples.Why.GetValueOrDefault(result.Reason) + 1;
                return;
            }

            _schedule!.Done++;
            _asked[result.Event!.Handoff] = asked;
            samples.Whole.Add(Stopwatch.GetTimestamp() - asked);
        });
    }

    /// <summary>Called before each thing that the protocol wants done: the one before it is done.</summary>
    private void OnStep(HandoffOutput output)
    {
        long now = Stopwatch.GetTimestamp();
        switch (_step)
        {
            case HandoffOutput.Freeze:
                _samples.Export.Add(now - _stepBegan);
                break;
            case HandoffOutput.Install o:
                _samples.Import.Add(now - _stepBegan);
                _arrived[o.Handoff] = _stepBegan;
                _installed[o.Handoff] = now;
                break;
            case HandoffOutput.Activate o:
                _active[o.Handoff] = now;
                break;
        }

        switch (output)
        {
            case HandoffOutput.Freeze o:
                _frozen[o.Handoff] = now;
                break;
            case HandoffOutput.AskSwap o:
                _decided[o.Question.Handoff] = now;
                break;
        }

        (_step, _stepBegan) = (output, Stopwatch.GetTimestamp());
    }

    private static Dictionary<string, long> Named(Dictionary<HandoffId, long> moments) => moments.ToDictionary(moment => $"{moment.Key}", moment => moment.Value);

    private sealed class Draining
    {
        public required long Began { get; init; }

        public required int Left { get; set; }

        public DrainJob? Job { get; set; }

        public long Took { get; set; }
    }

    /// <summary>Takes the peer's word for who it is: what is measured is the seal on the channel, not the farm's certificates.</summary>
    private sealed class TrustingAuthenticator : IPeerAuthenticator
    {
        public ValueTask<Stream> AuthenticateAsync(Stream stream, string peer, bool initiates, CancellationToken cancellationToken) => new(stream);
    }
}
