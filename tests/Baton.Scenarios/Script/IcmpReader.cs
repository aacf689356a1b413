using Baton.Wire;

namespace Baton.Scenarios.Script;

/// <summary>Reads ICMP messages: type, code, MTU, echo identifier and what is quoted.</summary>
internal static class IcmpReader
{
    /// <summary>Reads a message; false when it quotes what is neither TCP nor UDP.</summary>
    public static bool TryRead(ref Cursor cursor, out IcmpSpec message)
    {
        string type = cursor.TakeWord();
        string code = "";
        uint? mtu = null;
        ushort id = 0;
        cursor.RefuseUndefined();
        for (string word; (word = cursor.TakeWord()).Length > 0;)
        {
            switch (word)
            {
                case "mtu":
                    mtu = cursor.TakeUInt32();
                    break;
                case "id":
                    id = cursor.TakeUInt16();
                    break;
                default:
                    code = word;
                    break;
            }
        }

        message = new(type, code, mtu, id, null);
        if (!cursor.TryTake('['))
        {
            return true;
        }

        if (cursor.TryTakeWord("raw"))
        {
            return false;
        }

        message = message with { Quoted = ReadQuoted(ref cursor) };
        cursor.Expect(']');
        return true;
    }

    private static QuotedPacket ReadQuoted(ref Cursor cursor)
    {
        if (cursor.TryTakeWord("udp"))
        {
            cursor.Expect('(');
            int bytes = cursor.TakeUInt16();
            cursor.Expect(')');
            return new(IpProtocol.Udp, 0, bytes);
        }

        var (start, length) = PacketReader.ReadSequence(ref cursor);
        return new(IpProtocol.Tcp, start, length);
    }
}
