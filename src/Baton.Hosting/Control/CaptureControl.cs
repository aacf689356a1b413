using Baton.Link;

namespace Baton.Hosting;

/// <summary>The node's links, one of each network for each shard, and captures of what passes them.</summary>
internal sealed class CaptureControl
{
    private readonly Lock _lock = new();
    private readonly string _node;
    private readonly (string Network, string File, CaptureLink Link)[] _links;
    private CaptureView[] _views = [];

    private CaptureControl(string node, IEnumerable<ILink> front, IEnumerable<ILink> lan, NicCache? nic)
    {
        _node = node;
        (Front, Lan, Nic) = ([.. front.Select(link => new CaptureLink(link))], [.. lan.Select(link => new CaptureLink(link))], nic);
        _links = [.. Named("front", Front), .. Named("lan", Lan)];
    }

    /// <summary>The links to the clients. The engine disposes them.</summary>
    public IReadOnlyList<CaptureLink> Front { get; }

    /// <summary>The links to the other nodes. The engine disposes them.</summary>
    public IReadOnlyList<CaptureLink> Lan { get; }

    /// <summary>What the programs on the interfaces know; what they forward no capture sees. Null where none runs. The engine disposes it.</summary>
    public NicCache? Nic { get; }

    /// <summary>The capture that runs, or the last one.</summary>
    public IReadOnlyList<CaptureView> Views
    {
        get
        {
            lock (_lock)
            {
                return [.. _views.Zip(_links, (view, link) => view.Running ? Counted(view, link.Link.Statistics) : view)];
            }
        }
    }

    /// <summary>Opens the links.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="opened">Told of each link that is opened here, in a line for the log.</param>
    /// <exception cref="LinkException">One does not open; none is left open.</exception>
    public static CaptureControl Open(BatonOptions options, Action<string> opened)
    {
        if (options.LinkFactory is { } open)
        {
            return OpenOwn(options, open);
        }

        var (front, lan, nic, reason) = EngineOptionsFactory.OpenLinks(options);
        foreach (string line in (string[])[front.Reason, lan.Reason, reason])
        {
            if (line.Length > 0)
            {
                opened(line);
            }
        }

        return new(options.Node, [front.Link, .. front.FurtherQueues], [lan.Link, .. lan.FurtherQueues], nic);
    }

    /// <summary>Begins to capture both networks, each queue to a file of its own.</summary>
    /// <exception cref="InvalidOperationException">A capture is on.</exception>
    /// <exception cref="LinkException">A file cannot be written.</exception>
    public IReadOnlyList<CaptureView> Start(CaptureCommand command)
    {
        lock (_lock)
        {
            if (_views.Any(v => v.Running))
            {
                throw new InvalidOperationException($"Node {_node} is being captured already. End that with 'baton capture' first.");
            }

            _views = [.. _links.Select(l => new CaptureView(_node, l.Network, Path.Combine(command.Directory, $"{_node}-{l.File}.pcapng"), 0, 0, true))];
            try
            {
                for (int i = 0; i < _links.Length; i++)
                {
                    _links[i].Link.Start(new() { Path = _views[i].File, SnapLength = command.SnapLength });
                }
            }
            catch
            {
                StopAll();
                throw;
            }

            return _views;
        }
    }

    /// <summary>Ends the capture; the files are then whole.</summary>
    public IReadOnlyList<CaptureView> Stop()
    {
        lock (_lock)
        {
            return StopAll();
        }
    }

    private static CaptureControl OpenOwn(BatonOptions options, Func<NetworkSettings, ILink> open)
    {
        var front = open(options.Front);
        try
        {
            return new(options.Node, [front], [open(options.Lan)], nic: null);
        }
        catch
        {
            front.Dispose();
            throw;
        }
    }

    private static IEnumerable<(string Network, string File, CaptureLink Link)> Named(string network, IReadOnlyList<CaptureLink> links) =>
        links.Select((link, queue) => (network, queue == 0 ? network : $"{network}.{queue}", link));

    private CaptureView[] StopAll() => _views =
    [
        .. _views.Zip(_links, (view, link) => view.Running ? Counted(view, link.Link.Stop()) with { Running = false } : view),
    ];

    private static CaptureView Counted(CaptureView view, CaptureStatistics statistics) =>
        view with { Packets = statistics.Frames - statistics.Dropped, Dropped = statistics.Dropped };
}
