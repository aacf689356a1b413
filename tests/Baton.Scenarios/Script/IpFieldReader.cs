namespace Baton.Scenarios.Script;

/// <summary>Reads fields of the IP header in square or round brackets: <c>[ect0]</c>, <c>[tos 0x10,flowlabel 0x5]</c>, <c>(ttl 3)</c>.</summary>
internal static class IpFieldReader
{
    /// <summary>Reads the fields; false where something else stands in the brackets.</summary>
    public static bool TryRead(ref Cursor cursor, bool inbound, out IpFields fields)
    {
        fields = IpFields.Any;
        char close = cursor.Peek switch { '[' => ']', '(' => ')', _ => '\0' };
        if (close == '\0')
        {
            return true;
        }

        cursor.Take();
        do
        {
            string name = cursor.TakeWord();
            switch (name)
            {
                case "noecn" or "ect0" or "ect1" or "ce":
                    fields = fields with { Ecn = name };
                    break;
                case "ecn" or "ect01":
                    if (inbound)
                    {
                        throw cursor.Error($"[{name}] can stand before outbound packets only");
                    }

                    fields = fields with { Ecn = name };
                    break;
                case "tos":
                    fields = fields with { TrafficClass = cursor.TakeByte() };
                    break;
                case "flowlabel":
                    fields = fields with { FlowLabel = cursor.TakeUInt32() };
                    break;
                case "ttl":
                    fields = fields with { Ttl = cursor.TakeByte() };
                    break;
                default:
                    return false;
            }

            cursor.SkipSpace();
        }
        while (cursor.TryTake(','));
        cursor.Expect(close);
        cursor.SkipSpace();
        return true;
    }
}
