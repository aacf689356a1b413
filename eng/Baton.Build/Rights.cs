namespace Baton.Build;

/// <summary>
/// What the tests on real packets need: namespaces and the TUN device. Root has them; other users' tests run in user,
/// network and mount namespaces of their own, with a tmpfs on <c>/run</c> for what <c>ip netns</c> writes.
/// </summary>
internal static class Rights
{
    private const string TunDevice = "/dev/net/tun";

    private static readonly Lazy<string?> s_missing = new(FindMissing);

    /// <summary>Whether this is root.</summary>
    public static bool IsRoot => Environment.UserName == "root";

    /// <summary>Says what is missing, with the command that mends it.</summary>
    public static void Explain()
    {
        if (s_missing.Value is { } missing)
        {
            Console.WriteLine($"Tests on real packets will skip: {missing}");
        }
    }

    /// <summary>The command that runs <paramref name="command"/> with the rights that can be had here.</summary>
    public static string[] Wrap(params string[] command) => IsRoot || s_missing.Value is not null
        ? command
        : ["unshare", "-Urnm", "sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"", "sh", .. command];

    private static string? FindMissing()
    {
        if (IsRoot)
        {
            return null;
        }

        try
        {
            using var device = new FileStream(TunDevice, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception closed) when (closed is IOException or UnauthorizedAccessException)
        {
            return $"{TunDevice} may not be opened by this user. To have them: sudo chmod 0666 {TunDevice}";
        }

        return Tool.Capture("unshare", "-Urnm", "true").Status == 0
            ? null
            : "this user may make no namespaces. To have them: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0";
    }
}
