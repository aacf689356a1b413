namespace Baton.Node.Demo;

/// <summary>What the demonstration needs of the machine: the TUN device, a few programs, and the right to make namespaces.</summary>
internal static class Prerequisites
{
    private const string TunDevice = "/dev/net/tun";

    private static readonly (string Program, string DebianPackage)[] Programs =
    [
        ("ip", "iproute2"),
        ("curl", "curl"),
        ("unshare", "util-linux"),
        ("mount", "mount"),
    ];

    /// <summary>Cables between namespaces are to complete checksums, as XDP wants it.</summary>
    private static readonly (string Program, string DebianPackage)[] ProgramsForXdp = [("ethtool", "ethtool")];

    /// <summary>Checks what a farm on TAPs needs.</summary>
    /// <exception cref="PrerequisiteException">Something is missing.</exception>
    public static Task RequireAsync(bool isRoot, Action<string> report, CancellationToken cancellation) =>
        RequireAsync(isRoot, DemoLink.Tap, report, cancellation);

    /// <summary>Checks everything that can be checked before anything is made.</summary>
    /// <exception cref="PrerequisiteException">Something is missing.</exception>
    public static async Task RequireAsync(bool isRoot, DemoLink link, Action<string> report, CancellationToken cancellation)
    {
        if (link == DemoLink.Xdp && !isRoot)
        {
            throw new PrerequisiteException("XDP takes root of the machine. Either run as root, or on other links:\n  sudo ./baton demo --link xdp\n  ./baton demo --link packet");
        }

        RequireTunDevice();
        await RequireProgramsAsync(isRoot, link == DemoLink.Xdp ? [.. Programs, .. ProgramsForXdp] : Programs, report, cancellation);
        if (!isRoot)
        {
            await RequireUserNamespacesAsync(cancellation);
        }
    }

    private static void RequireTunDevice()
    {
        if (!File.Exists(TunDevice))
        {
            throw new PrerequisiteException(
                $"{TunDevice} does not exist. This makes it:\n  sudo mkdir -p /dev/net && sudo mknod {TunDevice} c 10 200 && sudo chmod 0666 {TunDevice}");
        }

        try
        {
            using var device = new FileStream(TunDevice, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (UnauthorizedAccessException)
        {
            throw new PrerequisiteException(
                $"{TunDevice} may not be opened by this user. This mends it until the next boot:\n  sudo chmod 0666 {TunDevice}");
        }
        catch (IOException error)
        {
            throw new PrerequisiteException($"{TunDevice} does not open ({error.Message}). This loads its driver:\n  sudo modprobe tun");
        }
    }

    private static async Task RequireProgramsAsync(
        bool isRoot, (string Program, string DebianPackage)[] programs, Action<string> report, CancellationToken cancellation)
    {
        string[] packages = Missing(programs);
        if (packages.Length == 0)
        {
            return;
        }

        string names = string.Join(' ', packages);
        if (isRoot && Tool.Find("apt-get") is { } apt)
        {
            report($"installing {names}");
            await Tool.RunAsync(apt, ["update", "-qq"], cancellation: cancellation);
            await Tool.RunAsync(apt, ["install", "-y", "-qq", "--no-install-recommends", .. packages], cancellation: cancellation);
            packages = Missing(programs);
            names = string.Join(' ', packages);
        }

        if (packages.Length > 0)
        {
            throw new PrerequisiteException($"Programs are missing. On Debian this installs them:\n  sudo apt-get install -y {names}");
        }
    }

    private static string[] Missing((string Program, string DebianPackage)[] programs) =>
        [.. programs.Where(p => Tool.Find(p.Program) is null).Select(p => p.DebianPackage).Distinct()];

    private static async Task RequireUserNamespacesAsync(CancellationToken cancellation)
    {
        var tried = await Tool.RunAsync("unshare", ["-Urnm", "true"], cancellation: cancellation);
        if (tried.ExitCode != 0)
        {
            throw new PrerequisiteException(
                "This machine gives its users no namespaces (" + tried.Error.Trim() + "). Either allow them or run as root:\n"
                + "  sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0\n"
                + "  sudo ./baton demo");
        }
    }
}
