using Baton.Wire;

namespace Baton.Bench.Memory;

/// <summary>
/// Clients by the million, without a network behind them: builds the frames of client number n, as a kernel would send
/// them, and takes from the answers what the next one needs.
/// </summary>
/// <param name="count">How many.</param>
internal sealed class GeneratedClients(int count)
{
    /// <summary>Bytes of the longest frame.</summary>
    public const int MaxFrame = 128;

    public const ushort Port = 80;

    private const uint FirstAddress = 0x0B00_0001;
    private const int PortsPerAddress = 50_000;
    private const ushort FirstPort = 10_000;
    private const uint FirstSequence = 1000;

    private readonly uint[] _next = new uint[count];
    private readonly uint[] _acknowledged = new uint[count];

    public static InetAddress Service { get; } = InetAddress.Parse("198.18.1.101");

    public static InetAddress Gateway { get; } = InetAddress.Parse("198.18.1.2");

    public static MacAddress GatewayMac { get; } = new(0x0200_0000_0002);

    public static MacAddress ServerMac { get; } = new(0x0200_0000_0001);

    public int Count => count;

    /// <summary>Handshakes that the server has answered.</summary>
    public int Answered { get; private set; }

    /// <summary>Writes a client's SYN and returns the frame's length.</summary>
    public int WriteSyn(Span<byte> frame, int client)
    {
        _next[client] = FirstSequence + 1;
        var options = new TcpOptions { Mss = 1460, WindowScale = 7, SackPermitted = true, HasTimestamps = true, TimestampValue = 1 };
        return Write(frame, client, TcpFlags.Syn, FirstSequence, options, default);
    }

    /// <summary>Writes a client's acknowledgment, with data if there are some.</summary>
    public int WriteData(Span<byte> frame, int client, ReadOnlySpan<byte> data)
    {
        uint sequence = _next[client];
        _next[client] += (uint)data.Length;
        var options = new TcpOptions { HasTimestamps = true, TimestampValue = 1 };
        return Write(frame, client, data.IsEmpty ? TcpFlags.Ack : TcpFlags.Ack | TcpFlags.Psh, sequence, options, data);
    }

    /// <summary>Reads an answer of the server.</summary>
    public void OnAnswer(ReadOnlySpan<byte> headers)
    {
        var packet = headers[EthernetHeader.Length..];
        if (TcpHeader.TryParse(packet[Ipv4Header.Length..], out var header, out _) == DropReason.None && header.Has(TcpFlags.Syn))
        {
            uint address = InetAddress.FromBytes(packet[16..20]).V4;
            int client = (int)(address - FirstAddress) * PortsPerAddress + header.DestinationPort - FirstPort;
            _acknowledged[client] = header.Sequence.Value + 1;
            Answered++;
        }
    }

    private int Write(Span<byte> frame, int client, TcpFlags flags, uint sequence, in TcpOptions options, ReadOnlySpan<byte> data)
    {
        var address = InetAddress.FromV4(FirstAddress + (uint)(client / PortsPerAddress));
        var header = new TcpHeader
        {
            SourcePort = (ushort)(FirstPort + client % PortsPerAddress),
            DestinationPort = Port,
            Sequence = new(sequence),
            Acknowledgment = new(_acknowledged[client]),
            Flags = flags,
            Window = ushort.MaxValue,
            Options = options,
        };
        int length = new EthernetHeader(ServerMac, GatewayMac, EtherType.Ipv4).Write(frame);
        length += Ipv4Header.Write(frame[length..], address, Service, IpProtocol.Tcp, Ipv4Header.Length + header.Length + data.Length);
        length += header.Write(frame[length..]);
        data.CopyTo(frame[length..]);
        return length + data.Length;
    }
}
