using Baton.Wire;

namespace Baton.Scenarios.Run;

/// <summary>TCP flags as the script's letters.</summary>
internal static class SegmentFlags
{
    private static readonly (char Letter, TcpFlags Flag)[] Letters =
    [
        ('S', TcpFlags.Syn), ('F', TcpFlags.Fin), ('R', TcpFlags.Rst), ('P', TcpFlags.Psh), ('U', TcpFlags.Urg),
        ('E', TcpFlags.Ece), ('W', TcpFlags.Cwr), ('A', TcpFlags.Ae), ('.', TcpFlags.Ack),
    ];

    /// <summary>The flags of letters; a digit is the ACE field: AE, CWR and ECE as one number (RFC 9768 §3.1).</summary>
    public static TcpFlags Parse(string letters)
    {
        int ace = letters.FirstOrDefault(char.IsAsciiDigit, '0') - '0';
        var start = ((ace & 4) != 0 ? TcpFlags.Ae : 0) | ((ace & 2) != 0 ? TcpFlags.Cwr : 0) | ((ace & 1) != 0 ? TcpFlags.Ece : 0);
        return Letters.Aggregate(start, (flags, l) => letters.Contains(l.Letter, StringComparison.Ordinal) ? flags | l.Flag : flags);
    }

    public static string Text(TcpFlags flags) => string.Concat(Letters.Where(l => (flags & l.Flag) != 0).Select(l => l.Letter));
}
