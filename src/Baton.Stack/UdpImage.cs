using System.Buffers.Binary;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>
/// What of a UDP endpoint moves: its queued datagrams, its path MTU and how long it has been idle. Sender and receiver of
/// each datagram are the flow's.
/// </summary>
internal static class UdpImage
{
    private const byte Version = 1;
    private const int HeaderLength = 20;

    public static byte[] Write(UdpEndpoint endpoint, Instant now)
    {
        int length = HeaderLength + endpoint.WaitingDatagrams * 2 + endpoint.WaitingBytes;
        var image = new byte[length];
        image[0] = Version;
        image[1] = (byte)endpoint.LastError;
        BinaryPrimitives.WriteUInt16BigEndian(image.AsSpan(2), (ushort)endpoint.PathMtu);
        BinaryPrimitives.WriteInt64BigEndian(image.AsSpan(4), (now - endpoint.LastActivity).Ticks);
        BinaryPrimitives.WriteInt64BigEndian(image.AsSpan(12), endpoint.WaitingDatagrams);
        int at = HeaderLength;
        foreach (var datagram in endpoint.Received)
        {
            BinaryPrimitives.WriteUInt16BigEndian(image.AsSpan(at), (ushort)datagram.Length);
            datagram.Payload.CopyTo(image.AsSpan(at + 2));
            at += 2 + datagram.Length;
        }

        return image;
    }

    public static bool TryRead(ReadOnlySpan<byte> image, UdpEndpoint endpoint, UdpDriver driver, Instant now)
    {
        if (!IsSound(image))
        {
            return false;
        }

        endpoint.LastError = (IcmpErrorKind)image[1];
        endpoint.PathMtu = BinaryPrimitives.ReadUInt16BigEndian(image[2..]);
        endpoint.LastActivity = now - new TimeSpan(BinaryPrimitives.ReadInt64BigEndian(image[4..]));
        var remote = endpoint.Flow.Tuple;
        for (var rest = image[HeaderLength..]; !rest.IsEmpty;)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest);
            if (!driver.TryEnqueue(endpoint, remote.RemoteAddress, remote.RemotePort, rest.Slice(2, length)))
            {
                endpoint.Clear();
                return false;
            }

            rest = rest[(2 + length)..];
        }

        return true;
    }

    private static bool IsSound(ReadOnlySpan<byte> image)
    {
        if (image.Length < HeaderLength
            || image[0] != Version
            || image[1] > (byte)IcmpErrorKind.ParameterProblem
            || BinaryPrimitives.ReadUInt16BigEndian(image[2..]) < PathMtu.Minimum
            || BinaryPrimitives.ReadInt64BigEndian(image[4..]) is < 0 or > TimeSpan.TicksPerDay)
        {
            return false;
        }

        long count = BinaryPrimitives.ReadInt64BigEndian(image[12..]);
        var rest = image[HeaderLength..];
        for (; count > 0 && rest.Length >= 2; count--)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest);
            if (rest.Length < 2 + length)
            {
                return false;
            }

            rest = rest[(2 + length)..];
        }

        return count == 0 && rest.IsEmpty;
    }
}
