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

    public static TcpFlags Parse(string letters) =>
        Letters.Aggregate(TcpFlags.None, (flags, l) => letters.Contains(l.Letter, StringComparison.Ordinal) ? flags | l.Flag : flags);

    public static string Text(TcpFlags flags) => string.Concat(Letters.Where(l => (flags & l.Flag) != 0).Select(l => l.Letter));
}
