using Baton.Link;

namespace Baton.Hosting;

/// <summary>The node's two links, and captures of what passes them.</summary>
internal sealed class CaptureControl
{
    private readonly Lock _lock = new();
    private readonly string _node;
    private readonly (string Network, CaptureLink Link)[] _links;
    private CaptureView[] _views = [];

    private CaptureControl(string node, CaptureLink front, CaptureLink lan)
    {
        _node = node;
        (Front, Lan) = (front, lan);
        _links = [("front", front), ("lan", lan)];
    }

    /// <summary>The link to the clients. The engine disposes it.</summary>
    public CaptureLink Front { get; }

    /// <summary>The link to the other nodes. The engine disposes it.</summary>
    public CaptureLink Lan { get; }

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
        var open = options.LinkFactory ?? (network =>
        {
            var (link, reason) = EngineOptionsFactory.OpenLink(network, options);
            opened(reason);
            return link;
        });
        var front = new CaptureLink(open(options.Front));
        try
        {
            return new(options.Node, front, new CaptureLink(open(options.Lan)));
        }
        catch
        {
            front.Dispose();
            throw;
        }
    }

    /// <summary>Begins to capture both links.</summary>
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

            _views = [.. _links.Select(l => new CaptureView(_node, l.Network, Path.Combine(command.Directory, $"{_node}-{l.Network}.pcapng"), 0, 0, true))];
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

    private CaptureView[] StopAll() => _views =
    [
        .. _views.Zip(_links, (view, link) => view.Running ? Counted(view, link.Link.Stop()) with { Running = false } : view),
    ];

    private static CaptureView Counted(CaptureView view, CaptureStatistics statistics) =>
        view with { Packets = statistics.Frames - statistics.Dropped, Dropped = statistics.Dropped };
}
