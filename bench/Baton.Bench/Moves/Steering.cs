using System.Buffers.Binary;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Moves;

/// <summary>
/// Where the router sends a client's packets: elements of a map of nftables, from the client's port to the mark by which
/// they are routed, changed by netlink. A port without an element has its packets dropped, since the kernel that has no
/// connection for them would answer RST.
/// </summary>
internal sealed unsafe class Steering(string router) : IDisposable
{
    private const int NETLINK_NETFILTER = 12;
    private const ushort BatchBegin = 0x10, BatchEnd = 0x11, NewElements = 10 << 8 | 12, RemoveElements = 10 << 8 | 14;
    private const ushort Request = 1, Acknowledge = 4, Create = 0x400;
    private const ushort Nested = 0x8000, TableName = 1, MapName = 2, Elements = 3, Element = 1, Key = 1, Data = 2, Value = 1;

    private readonly KernelSocket _netlink = NetworkNamespace.Run(router, static () => new KernelSocket(Libc.Socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, NETLINK_NETFILTER)));
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _length;
    private uint _sequence;

    /// <summary>What makes the router steer, for <c>nft -f</c>.</summary>
    /// <param name="service">The address whose packets are steered.</param>
    /// <param name="firstPort">Lowest of the client's ports.</param>
    /// <param name="ports">How many.</param>
    public static string Rules(string service, int firstPort, int ports) =>
        $$"""
        table ip baton {
          map owner { type inet_service : mark; elements = { {{string.Join(", ", Enumerable.Range(firstPort, ports).Select(port => $"{port} : 1"))}} }; }
          chain steer {
            type filter hook prerouting priority mangle; policy accept;
            ip daddr != {{service}} accept
            meta mark set tcp sport map @owner accept
            drop
          }
        }
        """;

    /// <summary>The packets from these ports are dropped from now on: one transaction.</summary>
    public void Block(ReadOnlySpan<ushort> ports) => Run(RemoveElements, 0, ports, mark: 0);

    /// <summary>They are routed by a mark: one transaction.</summary>
    public void Steer(ReadOnlySpan<ushort> ports, uint mark) => Run(NewElements, Create, ports, mark);

    public void Dispose() => _netlink.Close();

    private void Run(ushort command, ushort flags, ReadOnlySpan<ushort> ports, uint mark)
    {
        _length = 0;
        Message(BatchBegin, Request, family: 0, subsystem: 10);
        int message = Message(command, (ushort)(Request | Acknowledge | flags), Libc.AF_INET, subsystem: 0);
        Attribute(TableName, "baton\0"u8);
        Attribute(MapName, "owner\0"u8);
        int elements = Open(Elements);
        Span<byte> key = stackalloc byte[sizeof(ushort)], value = stackalloc byte[sizeof(uint)];
        foreach (ushort port in ports)
        {
            int element = Open(Element);
            int part = Open(Key);
            BinaryPrimitives.WriteUInt16BigEndian(key, port);
            Attribute(Value, key);
            Close(part);
            if (mark != 0)
            {
                part = Open(Data);
                BitConverter.TryWriteBytes(value, mark);
                Attribute(Value, value);
                Close(part);
            }

            Close(element);
        }

        Close(elements);
        BitConverter.TryWriteBytes(_buffer.AsSpan(message), _length - message);
        Message(BatchEnd, Request, family: 0, subsystem: 10);
        _netlink.SendAll(_buffer.AsSpan(0, _length));
        int answered = _netlink.Receive(_buffer);
        int error = answered < 20 ? -1 : BitConverter.ToInt32(_buffer.AsSpan(16));
        if (error != 0)
        {
            throw new BenchException($"nftables: error {error} for {ports.Length} ports");
        }
    }

    /// <summary>struct nlmsghdr and struct nfgenmsg; gives where it begins.</summary>
    private int Message(ushort type, ushort flags, byte family, ushort subsystem)
    {
        int start = _length;
        var header = _buffer.AsSpan(start, 20);
        BitConverter.TryWriteBytes(header, 20);
        BitConverter.TryWriteBytes(header[4..], type);
        BitConverter.TryWriteBytes(header[6..], flags);
        BitConverter.TryWriteBytes(header[8..], ++_sequence);
        BitConverter.TryWriteBytes(header[12..], 0);
        header[16] = family;
        header[17] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[18..], subsystem);
        _length += 20;
        return start;
    }

    private void Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        BitConverter.TryWriteBytes(_buffer.AsSpan(_length), (ushort)(4 + value.Length));
        BitConverter.TryWriteBytes(_buffer.AsSpan(_length + 2), type);
        value.CopyTo(_buffer.AsSpan(_length + 4));
        _buffer.AsSpan(_length + 4 + value.Length, -value.Length & 3).Clear();
        _length += 4 + (value.Length + 3 & ~3);
    }

    private int Open(ushort type)
    {
        int start = _length;
        BitConverter.TryWriteBytes(_buffer.AsSpan(start + 2), (ushort)(type | Nested));
        _length += 4;
        return start;
    }

    private void Close(int start) => BitConverter.TryWriteBytes(_buffer.AsSpan(start), (ushort)(_length - start));
}
