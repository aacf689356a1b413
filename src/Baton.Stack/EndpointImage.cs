using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// An endpoint as bytes, for the way to another node: version, protocol, hop limit, traffic class, the connection's own image (TCP) or the queued
/// datagrams (UDP), then the packets held so far. Big-endian; every length is checked against what is there.
/// </summary>
internal static class EndpointImage
{
    private const byte Version = 1;
    private const int HeaderLength = 8;

    /// <summary>The endpoint's image. What it holds is counted as contained, so that it is not handed on a second time.</summary>
    public static byte[] Write(Endpoint endpoint, ReadOnlySpan<byte> body)
    {
        int length = HeaderLength + body.Length + 4;
        foreach (var held in endpoint.Held.InOrder)
        {
            length += HeldHeaderLength + held.Length;
        }

        var image = new byte[length];
        image[0] = Version;
        image[1] = (byte)endpoint.Flow.Protocol;
        image[2] = endpoint.HopLimit;
        image[3] = endpoint.TrafficClass;
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(4), body.Length);
        body.CopyTo(image.AsSpan(HeaderLength));
        WriteHeld(endpoint.Held, image.AsSpan(HeaderLength + body.Length));
        endpoint.Held.InImage = endpoint.Held.Count;
        return image;
    }

    /// <summary>Takes an image apart: the body is the connection's or the datagrams', the rest the held packets.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> image, Endpoint embryo, out ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> held)
    {
        body = default;
        held = default;
        var header = image.Span;
        if (header.Length < HeaderLength + 4 || header[0] != Version || header[1] != (byte)embryo.Flow.Protocol || header[2] == 0)
        {
            return false;
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        if (length > (uint)(image.Length - HeaderLength - 4))
        {
            return false;
        }

        body = image.Slice(HeaderLength, (int)length);
        held = image[(HeaderLength + (int)length)..];
        if (!IsSoundHeld(held.Span))
        {
            return false;
        }

        embryo.HopLimit = header[2];
        embryo.TrafficClass = header[3];
        return true;
    }

    /// <summary>Gives the held packets of an image that has been read, in their order.</summary>
    public static void ReadHeld(ReadOnlySpan<byte> held, HeldPacketHandler handler)
    {
        int at = 4;
        for (uint count = BinaryPrimitives.ReadUInt32BigEndian(held); count > 0; count--)
        {
            int length = (int)BinaryPrimitives.ReadUInt32BigEndian(held[at..]);
            var offload = new FrameOffload(
                (ChecksumState)held[at + 4], (GsoType)held[at + 5], BinaryPrimitives.ReadUInt16BigEndian(held[(at + 6)..]));
            handler(offload, held.Slice(at + HeldHeaderLength, length));
            at += HeldHeaderLength + length;
        }
    }

    private const int HeldHeaderLength = 8;

    private static void WriteHeld(HeldPackets held, Span<byte> destination)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination, held.Count);
        destination = destination[4..];
        foreach (var item in held.InOrder)
        {
            BinaryPrimitives.WriteInt32BigEndian(destination, item.Length);
            destination[4] = (byte)item.Offload.Checksum;
            destination[5] = (byte)item.Offload.Gso;
            BinaryPrimitives.WriteUInt16BigEndian(destination[6..], item.Offload.SegmentSize);
            item.Packet.CopyTo(destination[HeldHeaderLength..]);
            destination = destination[(HeldHeaderLength + item.Length)..];
        }
    }

    private static bool IsSoundHeld(ReadOnlySpan<byte> held)
    {
        uint count = BinaryPrimitives.ReadUInt32BigEndian(held);
        held = held[4..];
        for (; count > 0; count--)
        {
            if (held.Length < HeldHeaderLength
                || BinaryPrimitives.ReadUInt32BigEndian(held) is var length && length > (uint)(held.Length - HeldHeaderLength)
                || held[4] > (byte)ChecksumState.Verified
                || held[5] > (byte)GsoType.UdpL4)
            {
                return false;
            }

            held = held[(HeldHeaderLength + (int)length)..];
        }

        return held.IsEmpty;
    }
}
