using Baton.Director;
using Baton.Engine;
using Baton.Link;
using Baton.Membership;

namespace Baton.Hosting;

/// <summary>
/// A node's configuration, section <c>Baton</c> of <c>baton.json</c>. Everything but <see cref="Node"/> is the same on all
/// members, so that one file serves the farm; environment variables (<c>Baton__Node=b</c>) override it.
/// </summary>
public sealed class BatonOptions
{
    /// <summary>The configuration section.</summary>
    public const string SectionName = "Baton";

    /// <summary>This node's name; one of <see cref="Members"/>.</summary>
    public string Node { get; set; } = "";

    /// <summary>The farm's secret, at least 16 characters.</summary>
    public string Secret { get; set; } = "";

    /// <summary>What members prove themselves with; absent where they do not authenticate each other.</summary>
    public SecuritySettings? Security { get; set; }

    /// <summary>
    /// Without <see cref="Security"/>: allows lan addresses outside loopback and 192.0.2.0/24 although members do not
    /// authenticate each other, so that whoever reaches the lan can take connections.
    /// </summary>
    public bool Insecure { get; set; }

    /// <summary>The members of the farm.</summary>
    public IList<MemberSettings> Members { get; set; } = [];

    /// <summary>The client side network.</summary>
    public NetworkSettings Front { get; set; } = new() { Device = "front" };

    /// <summary>The network between the nodes.</summary>
    public NetworkSettings Lan { get; set; } = new() { Device = "lan", Mtu = 9000 };

    /// <summary>
    /// Shards of this node, each a thread with a queue of each device and its part of the connections: as many as the processors
    /// that the network may take, 1 to 64. More than one excludes XDP links. Members may have different numbers.
    /// </summary>
    public int Shards { get; set; } = 1;

    /// <summary>The NIC program, where the links are of XDP.</summary>
    public NicSettings Nic { get; set; } = new();

    /// <summary>The services of the farm.</summary>
    public IList<ServiceSettings> Services { get; set; } = [];

    /// <summary>Bounds on everything that can grow.</summary>
    public EngineLimits Limits { get; set; } = new();

    /// <summary>The rule that asks for moves by load; absent for none.</summary>
    public MoveRuleOptions? Rule { get; set; }

    /// <summary>How long the node polls its links before it sleeps; 0 sleeps at once.</summary>
    public TimeSpan SpinTime { get; set; } = TimeSpan.FromMicroseconds(20);

    /// <summary>
    /// How far the node's threads run ahead of the application's and others where the process may (CAP_SYS_NICE), as nice(1) has it:
    /// -20 to 19.
    /// </summary>
    public int Nice { get; set; } = -10;

    /// <summary>
    /// How long an endpoint may be frozen before the source asks for an abort. Doubled, up to a second, each time in a row that
    /// a handoff of the endpoint was called off for it; others of the node begin with what the last ones needed.
    /// </summary>
    public TimeSpan HandoffBudget { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How often members exchange their states.</summary>
    public TimeSpan MembershipInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Path of the control socket; empty for <c>NODE.sock</c> in the runtime directory.</summary>
    public string ControlSocket { get; set; } = "";

    /// <summary>Opens a network's device; null for the link that its settings name. For programs that bring their own.</summary>
    public Func<NetworkSettings, ILink>? LinkFactory { get; set; }

    /// <summary>What relative paths begin at; empty for the current directory.</summary>
    internal string BaseDirectory { get; set; } = "";

    /// <summary>Selection policies that the program adds.</summary>
    internal Dictionary<string, Func<ISelectionPolicy>> Policies { get; } = [];

    /// <summary>
    /// Adds a selection policy that services can name as their <c>Policy</c>; every node needs it. Each service gets one that
    /// <paramref name="create"/> makes, and asks it on the shard's thread: it must not block.
    /// </summary>
    public void AddPolicy(string name, Func<ISelectionPolicy> create)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(create);
        Policies.Add(name, create);
    }

    /// <summary>What did not fit these types when the configuration was read; reported with all other errors.</summary>
    internal IReadOnlyList<string> ShapeErrors { get; set; } = [];
}

/// <summary>One member of the farm.</summary>
public sealed class MemberSettings
{
    /// <summary>Its name, unique in the farm.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its number, unique in the farm, 1 to 65535.</summary>
    public int Id { get; set; }

    /// <summary>Its address on the lan.</summary>
    public string Lan { get; set; } = "";

    /// <summary>Its own address on the front, of either family.</summary>
    public string Front { get; set; } = "";

    /// <summary>Its own IPv6 address on the front beside an IPv4 one; empty for none.</summary>
    public string FrontV6 { get; set; } = "";

    /// <summary>The service addresses it is home of.</summary>
    public IList<string> ServiceAddresses { get; set; } = [];

    /// <summary>Its share under the weighted policy, 1 to 65535.</summary>
    public int Weight { get; set; } = 1;
}

/// <summary>
/// What a member proves itself with. Relative paths begin at the host's content root, which for <c>baton node</c> is the
/// configuration's folder.
/// </summary>
public sealed class SecuritySettings
{
    /// <summary>
    /// The folder of what is not named by itself: <c>ca.pem</c>, <c>NODE.pem</c> and <c>NODE.key</c>, as <c>baton farm</c>
    /// makes them; so one configuration serves all members.
    /// </summary>
    public string Directory { get; set; } = "";

    /// <summary>The certificate of the farm's authority, in PEM form; empty for the one in <see cref="Directory"/>.</summary>
    public string Authority { get; set; } = "";

    /// <summary>This member's certificate, in PEM form; empty for the one in <see cref="Directory"/>.</summary>
    public string Certificate { get; set; } = "";

    /// <summary>The certificate's key, in PEM form, readable by its owner only; empty for the one in <see cref="Directory"/>.</summary>
    public string Key { get; set; } = "";

    /// <summary>Where they are for a node.</summary>
    internal (string Authority, string Certificate, string Key) Files(BatonOptions options)
    {
        string In(string file, string name) =>
            Path.GetFullPath(file.Length > 0 ? file : Path.Combine(Directory, name), Path.GetFullPath(options.BaseDirectory.Length > 0 ? options.BaseDirectory : "."));
        return (In(Authority, FarmAuthority.CertificateFile), In(Certificate, options.Node + ".pem"), In(Key, options.Node + ".key"));
    }
}

/// <summary>A network the node is on.</summary>
public sealed class NetworkSettings
{
    /// <summary>Kind of link: <c>tap</c>, <c>packet</c>, <c>xdp</c>, or <c>auto</c> for the best that works.</summary>
    public string Link { get; set; } = "tap";

    /// <summary>The device's name.</summary>
    public string Device { get; set; } = "";

    /// <summary>The stack's Ethernet address; empty for a random one.</summary>
    public string MacAddress { get; set; } = "";

    /// <summary>Largest IP packet in bytes.</summary>
    public int Mtu { get; set; } = 1500;

    /// <summary>Length of the network's prefix in bits.</summary>
    public int PrefixLength { get; set; } = 24;

    /// <summary>The next hop for everything outside the prefix; empty for none.</summary>
    public string Gateway { get; set; } = "";

    /// <summary>Length of the IPv6 prefix in bits, where members have addresses of both families there.</summary>
    public int PrefixLengthV6 { get; set; } = 64;

    /// <summary>The IPv6 next hop where <see cref="Gateway"/> is IPv4's; empty for none.</summary>
    public string GatewayV6 { get; set; } = "";

    /// <summary>Whether an IPv6 router that advertises itself is the next hop when none is configured.</summary>
    public bool AcceptRouters { get; set; }

    /// <summary>Whether the network is asked before use if anybody has the node's addresses: up to 7 s longer at each start.</summary>
    public bool CheckAddresses { get; set; }

    /// <summary>Whether the kernel merges what the node sends (NAPI, GRO): better for bulk, worse for small packets.</summary>
    public bool Napi { get; set; }

    /// <summary>The VLAN of an XDP link, 1 to 4094; 0 for frames without a tag. On other links the kernel's VLAN device (<c>eth0.5</c>) is the <see cref="Device"/>.</summary>
    public int Vlan { get; set; }

    /// <summary>How long the kernel looks for frames at the device itself for an XDP link, up to 10 ms; zero leaves it to interrupts.</summary>
    public TimeSpan BusyPoll { get; set; }
}

/// <summary>The program on interfaces that XDP links use.</summary>
public sealed class NicSettings
{
    /// <summary>
    /// Whether it decides there, and forwards by itself; otherwise the link takes every frame, and captures of this node see
    /// the forwarded ones too.
    /// </summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Flows that it holds; the host decides about others.</summary>
    public int Flows { get; set; } = 65_536;

    /// <summary>Endpoints of this node's whose references it checks; the host checks all of them.</summary>
    public int Endpoints { get; set; } = 65_536;

    /// <summary>SYNs a second that it lets up from one source and that begin a flow, 0 for no limit: see <see cref="Link.NicOptions.SynRate"/>.</summary>
    public int SynRate { get; set; }

    /// <summary>How many of them it lets up at once.</summary>
    public int SynBurst { get; set; } = 256;
}

/// <summary>A service that clients use.</summary>
public sealed class ServiceSettings
{
    /// <summary>Its name, unique in the farm.</summary>
    public string Name { get; set; } = "";

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public string Protocol { get; set; } = "tcp";

    /// <summary>The port that clients use.</summary>
    public int Port { get; set; }

    /// <summary>The service addresses it is offered at; empty for all of the farm's.</summary>
    public IList<string> Addresses { get; set; } = [];

    /// <summary>The application that new connections are for; empty for whichever is bound first.</summary>
    public string Application { get; set; } = "";

    /// <summary>The application's port at a node, as references carry it; 0 for the service's.</summary>
    public int ApplicationPort { get; set; }

    /// <summary>
    /// Whether clients may send their first request with the SYN (TCP Fast Open). Only for requests that may be done twice: the
    /// network can repeat a SYN.
    /// </summary>
    public bool FastOpen { get; set; }

    /// <summary>What its connections do otherwise than by default.</summary>
    public ConnectionSettings Connections { get; set; } = new();

    /// <summary>When the node that serves is selected: <c>handshake</c> or <c>first-request</c>.</summary>
    public string Placement { get; set; } = "handshake";

    /// <summary>Who is selected: <c>least-of-two</c>, <c>weighted</c>, <c>round-robin</c>, <c>rendezvous</c>, or one of <see cref="BatonOptions.AddPolicy"/>.</summary>
    public string Policy { get; set; } = "least-of-two";
}

/// <summary>What a service's connections do otherwise than by default; what is left out stays as it is.</summary>
public sealed class ConnectionSettings
{
    /// <summary>Whether small writes go at once, although earlier ones are not acknowledged.</summary>
    public bool? NoDelay { get; set; }

    /// <summary><c>cubic</c>, <c>reno</c> or <c>bbr</c>; empty for the default.</summary>
    public string Congestion { get; set; } = "";

    /// <summary>Silence after which keep-alive probes start; zero for none.</summary>
    public TimeSpan? KeepAliveTime { get; set; }

    /// <summary>The time between keep-alive probes.</summary>
    public TimeSpan? KeepAliveInterval { get; set; }

    /// <summary>Unanswered keep-alive probes after which the connection is closed.</summary>
    public int? KeepAliveProbes { get; set; }

    /// <summary>How long what was written may wait without progress before the connection is given up.</summary>
    public TimeSpan? UserTimeout { get; set; }

    /// <summary>How long a close goes on with what is left to send before it is an abort; zero aborts at once.</summary>
    public TimeSpan? Linger { get; set; }

    /// <summary>Most bytes that are written and not sent.</summary>
    public int? NotSentLimit { get; set; }

    /// <summary>Most bytes of the send queue.</summary>
    public int? SendBuffer { get; set; }

    /// <summary>Most bytes of the receive queue, a power of two.</summary>
    public int? ReceiveBuffer { get; set; }

    /// <summary>The DSCP of what is sent, 0 to 63.</summary>
    public byte? Dscp { get; set; }

    /// <summary>The TTL or hop limit of what is sent, 1 to 255.</summary>
    public byte? HopLimit { get; set; }
}
