using HomePhase = Baton.Handoff.HomePhase;
using System.Collections.Concurrent;
using Baton.Hosting;
using Baton.Link;
using Baton.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Baton.Node.Tests.Hosting;

/// <summary>Node a of a farm of two, in this process, on links that nothing is behind; b never answers.</summary>
internal sealed class InProcessNode : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("baton-test-").FullName;
    private readonly BatonNode _node;
    private readonly SilentLink _front = new("front", 0x02_00_00_00_00_01);
    private readonly SilentLink _lan = new("lan", 0x02_00_00_00_00_02);

    private InProcessNode(Action<BatonOptions>? adjust)
    {
        var options = new BatonOptions
        {
            Node = "a",
            Secret = "a secret of the farm",
            Members =
            [
                new() { Name = "a", Id = 1, Lan = "192.0.2.1", Front = "198.51.100.11", ServiceAddresses = ["198.51.100.101"] },
                new() { Name = "b", Id = 2, Lan = "192.0.2.2", Front = "198.51.100.12", ServiceAddresses = ["198.51.100.102"] },
            ],
            Services = [new() { Name = "web", Port = 80 }],
            ControlSocket = Path.Combine(_directory, "a.sock"),
            LinkFactory = network => network.Device == "front" ? _front : _lan,
        };
        adjust?.Invoke(options);
        Assert.Equal(ValidateOptionsResult.Success, new BatonOptionsValidator().Validate(null, options));
        SocketPath = options.ControlSocket;
        _node = new BatonNode(Options.Create(options), [], Log);
    }

    public string SocketPath { get; }

    public string DirectoryPath => _directory;

    public RecordingLogger Log { get; } = new();

    public static async Task<InProcessNode> StartAsync(Action<BatonOptions>? adjust = null)
    {
        var node = new InProcessNode(adjust);
        await node._node.StartAsync(CancellationToken.None);

        // The other member never comes: the node is home once it has waited for it as long as it must.
        while ((await node._node.Engine.HomesAsync()).All(home => home.Phase != HomePhase.Serving))
        {
            await Task.Delay(10);
        }

        return node;
    }

    /// <summary>A client's SYN to the service arrives: the node has an endpoint then.</summary>
    public void Connect(ushort clientPort)
    {
        var client = InetAddress.Parse("198.51.100.200");
        var server = InetAddress.Parse("198.51.100.101");
        byte[] frame = new byte[EthernetHeader.Length + Ipv4Header.Length + TcpHeader.MinLength];
        new EthernetHeader(_front.Address, new MacAddress(0x02_00_00_00_00_09), EtherType.Ipv4).Write(frame);
        var packet = frame.AsSpan(EthernetHeader.Length);
        Ipv4Header.Write(packet, client, server, IpProtocol.Tcp, packet.Length);
        var segment = packet[Ipv4Header.Length..];
        new TcpHeader { SourcePort = clientPort, DestinationPort = 80, Sequence = new SeqNum(1), Flags = TcpFlags.Syn, Window = 1000 }.Write(segment);
        TcpChecksum.Write(segment, TcpChecksum.Compute(client, server, segment));
        _front.Waiting.Enqueue(frame);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Gives what a test puts in, and loses what is sent.</summary>
    private sealed class SilentLink(string name, ulong address) : ILink
    {
        public ConcurrentQueue<byte[]> Waiting { get; } = new();

        public string Name => name;

        public MacAddress Address { get; } = new(address);

        public int Mtu => name == "lan" ? 9000 : 1500;

        public LinkOffloads Offloads => LinkOffloads.None;

        public int WaitDescriptor => -1;

        public int Receive(IFrameReceiver receiver, int limit)
        {
            int count = 0;
            while (count < limit && Waiting.TryDequeue(out byte[]? frame))
            {
                receiver.OnFrame(this, FrameOffload.None, frame);
                count++;
            }

            return count;
        }

        public bool TrySend(FrameOffload offload, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> more = default) => true;

        public void Flush()
        {
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>Keeps what is logged.</summary>
internal sealed class RecordingLogger : ILogger<BatonNode>
{
    public ConcurrentQueue<(LogLevel Level, int Id, string Text)> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
}
