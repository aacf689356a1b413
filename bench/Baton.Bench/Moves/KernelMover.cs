using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Moves;

/// <summary>
/// A node of the kernel's side in a process of its own: one thread with a core for itself, which accepts and serves
/// connections of the kernel, and moves them. The source has the router drop the client's packets, takes the connection out
/// of the kernel and sends its image by TCP; the target puts it in, steers the packets to itself and acknowledges.
/// </summary>
internal sealed class KernelMover : IDisposable
{
    /// <summary>The word that starts this program as one.</summary>
    public const string Name = "kernel-mover";

    private const int Batch = 64;
    private const int HeaderLength = 2 * sizeof(int) + sizeof(long);
    private static readonly byte[] s_done = [1];
    private static readonly TimeSpan s_spin = TimeSpan.FromMilliseconds(2);

    private readonly uint _mark;
    private readonly Steering _steering;
    private readonly KernelSocket _listener;
    private readonly KernelSocket _peer;
    private readonly Commands _commands = new(static () => { });
    private readonly PollSet _sleep = new();
    private readonly List<(int Descriptor, ushort Port)> _here = [];
    private readonly byte[] _buffer = new byte[Batch * 1024 + RepairedSocket.MaxLength];
    private readonly byte[] _small = new byte[4096];
    private Samples _samples = new();
    private Schedule? _schedule;
    private MoverMode _mode;
    private int _fill;

    private KernelMover(string own, string router, int node)
    {
        _mark = (uint)node + 1;
        _steering = new Steering(router);
        _listener = NetworkNamespace.Run(own, () => KernelSocket.Listen(KernelNetwork.ServiceEndPoint));
        RepairedSocket.GiveRoom(_listener.Descriptor);
        _peer = NetworkNamespace.Run(own, () => node == 0
            ? KernelSocket.Listen(KernelNetwork.LanEndPoint).AcceptSpinning(default)
            : ConnectToPeer());
    }

    public static int Run(string own, string router, int node)
    {
        // The thread is the namespace's for good: it opens a socket for each connection that arrives.
        return NetworkNamespace.Run(own, () =>
        {
            Cores.Keep(node == 0 ? Cores.Server : Cores.Client);
            using var mover = new KernelMover(own, router, node);
            return mover.Loop();
        });
    }

    public void Dispose()
    {
        _steering.Dispose();
        _sleep.Dispose();
    }

    private static KernelSocket ConnectToPeer()
    {
        KernelSocket? peer = null;
        Wait.Until(
            () =>
            {
                try
                {
                    peer = KernelSocket.Connect(KernelNetwork.LanEndPoint);
                }
                catch (Win32Exception)
                {
                    // It does not listen yet.
                }

                return peer is not null;
            },
            "the other node does not listen");
        return peer!.Value;
    }

    private int Loop()
    {
        PollSet.TightenTimers();
        Commands.Answer(true);
        long lastBusy = Stopwatch.GetTimestamp();
        while (!_commands.Ended)
        {
            if (Step())
            {
                lastBusy = Stopwatch.GetTimestamp();
            }
            else if (_mode == MoverMode.Fill || Stopwatch.GetElapsedTime(lastBusy) >= s_spin)
            {
                Rest();
            }
        }

        return 0;
    }

    private void Rest()
    {
        if (_schedule is null)
        {
            Thread.Sleep(1);
        }
        else if (_mode == MoverMode.Fill && _schedule.AwakeFrom - Stopwatch.GetTimestamp() is > 0 and var rest)
        {
            _sleep.Wait(rest);
        }
        else
        {
            Thread.Sleep(0);
        }
    }

    private bool Step()
    {
        bool any = TryTake() | Serve();
        if (_commands.TryTake(out var words))
        {
            Do(words);
            any = true;
        }

        if (_schedule is { } schedule)
        {
            if (schedule.IsDue && _here.Count > 0)
            {
                Move(0, 1);
                any = true;
            }
            else if (schedule.IsOver)
            {
                _schedule = null;
                Commands.Answer(_samples);
            }
        }

        return any;
    }

    private void Do(string[] words)
    {
        switch (words[0])
        {
            case "mode":
                _mode = Enum.Parse<MoverMode>(words[1]);
                _fill = int.Parse(words[2], CultureInfo.InvariantCulture);

                // Who serves looks for requests all the time, and does not sleep.
                Cores.Hurry(_mode == MoverMode.Fill ? 1 : 0);
                Commands.Answer(true);
                break;
            case "accept":
                var socket = _listener.AcceptSpinning(default);
                if (_fill > 0)
                {
                    socket.SendAll(new byte[_fill]);
                }

                _here.Add((socket.Descriptor, ushort.Parse(words[1], CultureInfo.InvariantCulture)));
                Commands.Answer(true);
                break;
            case "readable":
                Commands.Answer(_here.Sum(connection => Math.Max(0, new KernelSocket(connection.Descriptor).Receive(_buffer, Libc.MSG_PEEK | Libc.MSG_DONTWAIT))));
                break;
            case "moves":
                _samples = new();
                _schedule = Schedule.Read(words);
                break;
            case "drain":
                long start = Stopwatch.GetTimestamp();
                while (_here.Count > 0)
                {
                    Move(Math.Max(0, _here.Count - Batch), Math.Min(Batch, _here.Count));
                }

                Commands.Answer((long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
                break;
            case "close":
                foreach (var (descriptor, port) in _here)
                {
                    new KernelSocket(descriptor).Close();
                    _steering.Block([port]);
                    _steering.Steer([port], 1);
                }

                _here.Clear();
                Commands.Answer(true);
                break;
            default:
                throw new BenchException($"there is no command {words[0]}");
        }
    }

    private bool Serve()
    {
        if (_mode != MoverMode.Echo || _here.Count != 1)
        {
            return false;
        }

        var socket = new KernelSocket(_here[0].Descriptor);
        int fresh = _fill == 0 ? _small.Length : Math.Min(_small.Length, RepairedSocket.Readable(socket.Descriptor) - _fill);
        int received = fresh > 0 ? socket.Receive(_small.AsSpan(0, fresh), Libc.MSG_DONTWAIT) : 0;
        if (received <= 0)
        {
            return false;
        }

        // There is room for it; that a client has reset its connection shows here, and nobody needs to know.
        _ = socket.Send(_small.AsSpan(0, received));
        if (_fill > 0)
        {
            _ = socket.Send(_buffer.AsSpan(0, Math.Max(0, _fill - RepairedSocket.Unsent(socket.Descriptor))));
        }

        return true;
    }

    /// <summary>Moves some of the connections to the other node.</summary>
    private void Move(int from, int count)
    {
        var moving = _here.GetRange(from, count);
        _here.RemoveRange(from, count);
        ushort[] ports = [.. moving.Select(connection => connection.Port)];
        long frozen = Stopwatch.GetTimestamp();
        _steering.Block(ports);
        long blocked = Stopwatch.GetTimestamp();
        int at = sizeof(int);
        foreach (var (descriptor, port) in moving)
        {
            int length = RepairedSocket.Dump(descriptor, _buffer.AsSpan(at + HeaderLength));
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(at), length);
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(at + sizeof(int)), port);
            BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(at + 2 * sizeof(int)), frozen);
            at += HeaderLength + length;
        }

        _samples.Export.Add(Stopwatch.GetTimestamp() - blocked);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer, at);
        _peer.SendAll(_buffer.AsSpan(0, at));
        Span<byte> done = stackalloc byte[1];
        if (_peer.ReceiveSpinning(done, s_spin) != 1)
        {
            throw new BenchException("the other node has ended");
        }

        long end = Stopwatch.GetTimestamp();
        foreach (var (descriptor, _) in moving)
        {
            // Under repair, so that nobody is told.
            new KernelSocket(descriptor).Close();
        }

        string name = frozen.ToString(CultureInfo.InvariantCulture);
        _samples.Whole.Add(end - frozen);
        _samples.Steering.Add(blocked - frozen);
        _samples.Asked[name] = frozen;
        _samples.Frozen[name] = frozen;
        if (_schedule is { } schedule)
        {
            schedule.Done++;
        }
    }

    /// <summary>Takes what the other node moves here.</summary>
    private bool TryTake()
    {
        int received = _peer.Receive(_buffer, Libc.MSG_DONTWAIT);
        if (received <= 0)
        {
            return false;
        }

        int length = sizeof(int);
        while (received < length || received < (length = BinaryPrimitives.ReadInt32LittleEndian(_buffer)))
        {
            received += Math.Max(0, _peer.Receive(_buffer.AsSpan(received)));
        }

        long arrived = Stopwatch.GetTimestamp();
        long frozen = 0;
        var ports = new List<ushort>();
        for (int at = sizeof(int); at < length;)
        {
            var part = _buffer.AsSpan(at);
            int image = BinaryPrimitives.ReadInt32LittleEndian(part);
            ports.Add((ushort)BinaryPrimitives.ReadInt32LittleEndian(part[sizeof(int)..]));
            frozen = BinaryPrimitives.ReadInt64LittleEndian(part[(2 * sizeof(int))..]);
            _here.Add((RepairedSocket.Restore(part.Slice(HeaderLength, image), RepairedSocket.Open), ports[^1]));
            at += HeaderLength + image;
        }

        long restored = Stopwatch.GetTimestamp();
        _steering.Steer(CollectionsMarshal.AsSpan(ports), _mark);
        long active = Stopwatch.GetTimestamp();
        _peer.SendAll(s_done);
        _samples.Import.Add(restored - arrived);
        _samples.Steering.Add(active - restored);
        _samples.Active[frozen.ToString(CultureInfo.InvariantCulture)] = active;
        if (_schedule is { } schedule)
        {
            schedule.Done++;
        }

        return true;
    }
}
