using System.Globalization;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Moves;

/// <summary>The own side: the first node is the home of its connections (S = H); only its moves count.</summary>
internal sealed class OwnSide : Side
{
    // Who has just ended its drain, the other node must have heard.
    private static readonly TimeSpan s_untilKnown = TimeSpan.FromMilliseconds(50);

    private readonly OwnNetwork _network = new();

    public OwnSide(bool isSealed)
    {
        Nodes = [.. OwnNetwork.Nodes.Select(node => new NodeHandle(isSealed ? [OwnMover.Name, _network.Switch, node, OwnMover.Sealed] : [OwnMover.Name, _network.Switch, node]))];
        Meet();
    }

    protected override IReadOnlyList<int> Sources { get; } = [0];

    public override KernelSocket Connect(int receiveBuffer = 0)
    {
        int before = Here(0);
        var socket = Open(receiveBuffer);
        Wait.Until(() => Here(0) == before + 1, "the first node did not accept the connection");
        return socket;
    }

    public override void Forget() => Wait.Until(() => Here(0) + Here(1) == 0, "a connection did not end");

    public override double Drain(int connections)
    {
        SetMode(MoverMode.Echo);
        KernelSocket[] clients = [.. Enumerable.Range(0, connections).Select(_ => Open(0))];
        Wait.Until(() => Here(0) == connections, "the first node did not accept all connections");
        var rates = new List<double>();
        for (int round = 0; round < DrainRounds; round++)
        {
            int from = round % 2;
            double nanoseconds = Nodes[from].Ask<long>("drain");
            Wait.Until(() => Here(1 - from) == connections, "not all connections arrived");
            Thread.Sleep(s_untilKnown);
            if (from == 0)
            {
                rates.Add(connections / (nanoseconds / 1e9));
            }
        }

        foreach (var client in clients)
        {
            client.Reset();
        }

        Forget();
        return Statistics.Median(rates.Skip(1));
    }

    protected override void End() => _network.Dispose();

    private KernelSocket Open(int receiveBuffer) =>
        NetworkNamespace.Run(_network.Client, () => KernelSocket.Connect(OwnNetwork.ServiceEndPoint, receiveBuffer: receiveBuffer));

    private int Here(int node) => Nodes[node].Ask<int>("here");

    private void Meet() => Wait.Until(() => Array.TrueForAll(Nodes, node => node.Ask<bool>("meets")), "the nodes do not find each other");
}

/// <summary>The kernel's side: both nodes are alike, and so the moves of both count.</summary>
internal sealed class KernelSide : Side
{
    private readonly KernelNetwork _network = new();
    private int _port = KernelNetwork.FirstPort;

    public KernelSide()
    {
        Nodes = [.. Enumerable.Range(0, 2).Select(node => new NodeHandle(
            KernelMover.Name, _network.NodeAt(node), _network.Router, node.ToString(CultureInfo.InvariantCulture)))];
        foreach (var node in Nodes)
        {
            node.Answer<bool>();
        }
    }

    protected override IReadOnlyList<int> Sources { get; } = [0, 1];

    public override KernelSocket Connect(int receiveBuffer = 0)
    {
        int port = _port++;
        var socket = NetworkNamespace.Run(_network.Client, () => KernelSocket.Connect(KernelNetwork.ServiceEndPoint, receiveBuffer: receiveBuffer, port: port));
        Nodes[0].Ask<bool>(string.Create(CultureInfo.InvariantCulture, $"accept {port}"));
        return socket;
    }

    public override void Forget()
    {
        foreach (var node in Nodes)
        {
            node.Ask<bool>("close");
        }
    }

    public override double Drain(int connections)
    {
        SetMode(MoverMode.Echo);
        KernelSocket[] clients = [.. Enumerable.Range(0, connections).Select(_ => Connect())];
        var rates = new List<double>();
        for (int round = 0; round < DrainRounds; round++)
        {
            double nanoseconds = Nodes[round % 2].Ask<long>("drain");
            rates.Add(connections / (nanoseconds / 1e9));
        }

        foreach (var client in clients)
        {
            client.Reset();
        }

        Forget();
        return Statistics.Median(rates.Skip(2));
    }

    protected override void End() => _network.Dispose();
}
