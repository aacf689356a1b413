namespace Baton.Scenarios.Sockets;

/// <summary>Linux's numbers of the errors that sockets here can report.</summary>
internal static class Errno
{
    private static readonly Dictionary<string, int> Numbers = new()
    {
        ["EPIPE"] = 32,
        ["ECONNABORTED"] = 103,
        ["ECONNRESET"] = 104,
        ["ETIMEDOUT"] = 110,
        ["ECONNREFUSED"] = 111,
        ["EHOSTUNREACH"] = 113,
    };

    public static int Number(string? name) => name is null ? 0 : Numbers[name];

    public static bool TryNumber(string name, out int number) => Numbers.TryGetValue(name, out number);
}
