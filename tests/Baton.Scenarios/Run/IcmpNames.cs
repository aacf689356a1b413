using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>Types and codes of ICMP and ICMPv6 by packetdrill's names (RFC 792, RFC 1122 §3.2.2.1, RFC 4443 §3, RFC 4884).</summary>
internal static class IcmpNames
{
    private static readonly Dictionary<string, byte> TypesV4 = new()
    {
        ["echo_reply"] = IcmpType.EchoReply,
        ["unreachable"] = IcmpType.DestinationUnreachable,
        ["source_quench"] = IcmpType.SourceQuench,
        ["redirect"] = IcmpType.Redirect,
        ["echo_request"] = IcmpType.EchoRequest,
        ["time_exceeded"] = IcmpType.TimeExceeded,
        ["parameter_problem"] = IcmpType.ParameterProblem,
        ["timestamp_request"] = 13,
        ["timestamp_reply"] = 14,
        ["information_request"] = 15,
        ["information_reply"] = 16,
        ["address_mask_request"] = 17,
        ["address_mask_reply"] = 18,
    };

    private static readonly Dictionary<string, byte> TypesV6 = new()
    {
        ["unreachable"] = IcmpV6Type.DestinationUnreachable,
        ["packet_too_big"] = IcmpV6Type.PacketTooBig,
        ["time_exceeded"] = IcmpV6Type.TimeExceeded,
        ["parameter_problem"] = IcmpV6Type.ParameterProblem,
        ["echo_request"] = IcmpV6Type.EchoRequest,
        ["echo_reply"] = IcmpV6Type.EchoReply,
    };

    private static readonly Dictionary<string, byte> CodesV4 = new()
    {
        ["net_unreachable"] = 0,
        ["host_unreachable"] = 1,
        ["protocol_unreachable"] = 2,
        ["port_unreachable"] = 3,
        ["frag_needed"] = 4,
        ["source_route_failed"] = 5,
        ["net_unknown"] = 6,
        ["host_unknown"] = 7,
        ["source_host_isolated"] = 8,
        ["net_prohibited"] = 9,
        ["host_prohibited"] = 10,
        ["net_unreachable_for_tos"] = 11,
        ["host_unreachable_for_tos"] = 12,
        ["packet_filtered"] = 13,
        ["admin_prohibited"] = 13,
        ["precedence_violation"] = 14,
        ["precedence_cutoff"] = 15,
    };

    private static readonly Dictionary<string, byte> CodesV6 = new()
    {
        ["net_unreachable"] = 0,
        ["no_route"] = 0,
        ["admin_prohibited"] = 1,
        ["not_neighbour"] = 2,
        ["address_unreachable"] = 3,
        ["port_unreachable"] = 4,
        ["exceeded_hop_limit"] = 0,
        ["exceeded_frag_time"] = 1,
        ["header_field"] = 0,
        ["unknown_next_header"] = 1,
        ["unknown_option"] = 2,
    };

    /// <summary>The numbers of a type and code; false where a family has none of these names.</summary>
    public static bool TryGet(AddressFamily family, string type, string code, out byte typeNumber, out byte codeNumber)
    {
        codeNumber = 0;
        bool v4 = family == AddressFamily.V4;
        return (v4 ? TypesV4 : TypesV6).TryGetValue(type, out typeNumber)
            && (code.Length == 0 || (v4 ? CodesV4 : CodesV6).TryGetValue(code, out codeNumber));
    }

    /// <summary>The name of a type.</summary>
    public static string TypeName(AddressFamily family, byte type) => Name(family == AddressFamily.V4 ? TypesV4 : TypesV6, type, "type");

    /// <summary>The name of a code of "destination unreachable"; of other types empty for code 0.</summary>
    public static string CodeName(AddressFamily family, byte type, byte code)
    {
        bool v4 = family == AddressFamily.V4;
        bool unreachable = type == (v4 ? IcmpType.DestinationUnreachable : IcmpV6Type.DestinationUnreachable);
        return unreachable ? Name(v4 ? CodesV4 : CodesV6, code, "code") : code == 0 ? "" : $"code{code}";
    }

    private static string Name(Dictionary<string, byte> names, byte number, string word) =>
        names.FirstOrDefault(pair => pair.Value == number).Key ?? $"{word}{number}";
}
