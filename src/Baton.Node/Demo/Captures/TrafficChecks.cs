using System.Globalization;
using Baton.Hosting;
using Baton.Node.Cli;
using Baton.Wire;

namespace Baton.Node.Demo;

/// <summary>Reads the captures and holds the demonstration's claims against them.</summary>
internal sealed class TrafficChecks(DemoReport report, AddressPlan plan, string captureDirectory, bool isKept, int snapLength)
{
    private const long FullSize = 1L << 30;
    private const long ShareOfFullSize = 200L << 20;
    private const long WrittenAhead = 12L << 20;

    private readonly InetAddress _service = InetAddress.FromIPAddress(plan.Nodes[0].Service);
    private readonly MacAddress _homeMac = DemoConfiguration.FrontMac(plan.Nodes[0]);
    private readonly Dictionary<(int Port, string Node), long> _sent = [];
    private readonly Dictionary<int, long> _back = [];
    private long _encapsulatedAtClient;

    /// <summary>Makes one file per network out of what relay and nodes captured, and checks.</summary>
    public void Run(string relayCapture, IReadOnlyList<CaptureView> captures)
    {
        long relayDropped = Dropped(relayCapture);
        Merge("client", [relayCapture], relayDropped, VisitClient);
        foreach (string network in (string[])["front", "lan"])
        {
            var parts = captures.Where(c => c.Network == network).ToArray();
            Merge(network, [.. parts.Select(c => c.File)], parts.Sum(c => c.Dropped), network == "front" ? VisitFront : VisitLan);
        }

        Check();
    }

    private void Check()
    {
        report.Check(
            "RST from the farm, or in any direction on a moved transfer", report.Resets == 0,
            $"{report.Resets} ({report.ResetsAfterClose} by the client's kernel, to late ACKs of sockets it had closed)");
        report.Check("encapsulated packets on the client's side", _encapsulatedAtClient == 0, Number(_encapsulatedAtClient));
        foreach (var transfer in report.Transfers)
        {
            int port = int.Parse(transfer.Client.Split(':')[^1], CultureInfo.InvariantCulture);
            transfer.SentByNode = _sent.Where(s => s.Key.Port == port).ToDictionary(s => s.Key.Node, s => s.Value);
            transfer.BytesBackThroughA = _back.GetValueOrDefault(port);
            report.Check($"{transfer.Name}: bytes of B's and C's answers that went through A", transfer.BytesBackThroughA == 0, Number(transfer.BytesBackThroughA));
        }

        if (report.Transfers.FirstOrDefault(t => t.Name == "download") is { } download)
        {
            long share = ShareOf(download.Bytes);
            report.Check(
                $"download: each node sent at least {Output.Bytes(share)} of it (by source MAC)",
                plan.Nodes.All(n => download.SentByNode.GetValueOrDefault(n.Name) >= share),
                string.Join(", ", download.SentByNode.OrderBy(s => s.Key).Select(s => $"{s.Key} {Output.Bytes(s.Value)}")));
        }

        report.Check("packets that the captures dropped", report.Captures.All(c => c.Dropped == 0), Number(report.Captures.Sum(c => c.Dropped)));
    }

    /// <summary>
    /// 200 MiB of 1 GiB. Of a smaller download the same part, less what moves with the connection, already written but not
    /// yet sent.
    /// </summary>
    private static long ShareOf(long size) => size >= FullSize
        ? ShareOfFullSize
        : Math.Max(1, (long)(ShareOfFullSize * (size / (double)FullSize)) - WrittenAhead);

    private void Merge(string network, string[] inputs, long dropped, FrameVisitor visit)
    {
        string output = Path.Combine(captureDirectory, network + ".pcapng");
        long frames = NetworkCapture.Merge(network, inputs, output, snapLength, dropped, visit);
        foreach (string input in inputs)
        {
            File.Delete(input);
        }

        report.Captures.Add(new(network, isKept ? output : "", frames, dropped));
    }

    private void VisitClient(ReadOnlySpan<byte> frame)
    {
        if (CapturedPacket.OfFrame(frame) is { } packet)
        {
            if (packet.IsReset)
            {
                CountReset(packet);
            }

            _encapsulatedAtClient += packet.IsEncapsulated ? 1 : 0;
        }
    }

    /// <summary>
    /// The client's kernel answers an ACK that comes late, when its socket is gone already, with RST (RFC 9293 §3.10.7.1):
    /// on a busy machine that happens, with any server. It is told apart, except on the moved transfers.
    /// </summary>
    private void CountReset(in CapturedPacket packet)
    {
        bool isClients = packet.Destination == _service;
        if (isClients && packet.SourcePort is not (AddressPlan.DownloadPort or AddressPlan.UploadPort))
        {
            report.ResetsAfterClose++;
        }
        else
        {
            report.Resets++;
        }
    }

    private void VisitFront(ReadOnlySpan<byte> frame)
    {
        if (CapturedPacket.OfFrame(frame) is not { } packet || !IsAnswer(packet))
        {
            return;
        }

        _ = EthernetHeader.TryParse(frame, out var ethernet);
        string sender = DemoConfiguration.NodeOfFrontMac(ethernet.Source) ?? "router";
        Add(_sent, (packet.DestinationPort, sender), packet.PayloadLength);
        if (ethernet.Destination == _homeMac)
        {
            Add(_back, packet.DestinationPort, packet.PayloadLength);
        }
    }

    /// <summary>Whatever is encapsulated on the lan is a client's packet on its way to the owner, never an answer.</summary>
    private void VisitLan(ReadOnlySpan<byte> frame)
    {
        if (CapturedPacket.OfFrame(frame) is not { } outer)
        {
            return;
        }

        if ((outer.IsEncapsulated ? CapturedPacket.InnerOfFrame(frame) : outer) is { } packet && IsAnswer(packet))
        {
            Add(_back, packet.DestinationPort, packet.PayloadLength);
        }
    }

    private bool IsAnswer(in CapturedPacket packet) => packet.Protocol == IpProtocol.Tcp && packet.Source == _service && packet.PayloadLength > 0;

    private static long Dropped(string capture)
    {
        using var reader = Link.PcapngReader.Open(capture);
        while (reader.TryRead(out _))
        {
        }

        return reader.Dropped;
    }

    private static void Add<TKey>(Dictionary<TKey, long> sums, TKey key, long value)
        where TKey : notnull => sums[key] = sums.GetValueOrDefault(key) + value;

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
