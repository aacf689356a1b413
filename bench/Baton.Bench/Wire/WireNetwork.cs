using Baton.Bench.Machine;
using Baton.Link;
using Baton.Link.Bpf;
using Baton.Wire;

namespace Baton.Bench.Wire;

/// <summary>
/// Two cables: the generator's <c>wire</c> to the node's <c>front</c>, and the node's <c>lan</c> to the owner's <c>lan</c>. At
/// both far ends a program counts what arrives, and drops it.
/// </summary>
internal sealed class WireNetwork : IDisposable
{
    private readonly Namespaces _spaces = new("client", "node", "owner");
    private readonly List<IDisposable> _owned = [];
    private readonly PerCpuCounters _back = new("bench_back", 1);
    private readonly PerCpuCounters _forwarded = new("bench_forwarded", 1);

    public WireNetwork()
    {
        Cable("client", "wire", "front");
        Cable("owner", "lan", "lan");
        _spaces.Ip("owner", "address add 192.0.2.2/24 dev lan");
        Front = Read("node", "front");
        Lan = Read("node", "lan");
        Owner = Read("owner", "lan");
        AttachSink("client", "wire", _back);
        AttachSink("owner", "lan", _forwarded);
    }

    /// <summary>The generator's namespace.</summary>
    public string Client => _spaces["client"];

    /// <summary>The node's namespace.</summary>
    public string Node => _spaces["node"];

    public (int Index, MacAddress Address) Front { get; }

    public (int Index, MacAddress Address) Lan { get; }

    public (int Index, MacAddress Address) Owner { get; }

    /// <summary>Frames that came back to the generator, and that came to the owner.</summary>
    public long Arrived => _back[0] + _forwarded[0];

    /// <summary>Puts a program on an interface of the node's.</summary>
    public XdpAttachment Attach(BpfProgram program, string name, int index) =>
        NetworkNamespace.Run(Node, () => XdpAttachment.Attach(program, name, index, XdpMode.Native));

    /// <inheritdoc/>
    public void Dispose()
    {
        _owned.ForEach(each => each.Dispose());
        _back.Dispose();
        _forwarded.Dispose();
        _spaces.Dispose();
    }

    private void Cable(string part, string name, string nodeName)
    {
        _spaces.Ip(part, $"link add {name} type veth peer name {nodeName} netns {Node}");
        _spaces.Ip(part, $"link set {name} up");
        _spaces.Ip("node", $"link set {nodeName} up");

        // XDP cannot see that a checksum is still to be computed.
        _spaces.Execute(part, "ethtool", "-K", name, "tx", "off");
    }

    private (int Index, MacAddress Address) Read(string part, string name) => NetworkNamespace.Run(_spaces[part], () =>
    {
        using var device = new KernelInterface(name);
        return (device.Index, device.Address);
    });

    private void AttachSink(string part, string name, PerCpuCounters counter)
    {
        var program = WirePrograms.Sink(counter);
        _owned.Add(program);
        _owned.Add(NetworkNamespace.Run(_spaces[part], () => XdpAttachment.Attach(program, name, Read(part, name).Index, XdpMode.Native)));
    }
}
