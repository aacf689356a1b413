namespace Baton.Build;

/// <summary>Programs of others that the tests run, and the Debian packages they come in.</summary>
internal static class DebianPackages
{
    private static readonly (string Program, string Package)[] Needed =
    [
        ("ip", "iproute2"),
        ("curl", "curl"),
        ("tshark", "tshark"),
        ("openssl", "openssl"),
        ("unshare", "util-linux"),
        ("ping", "iputils-ping"),
        ("pkill", "procps"),
        ("bpftool", "bpftool"),
        ("llvm-objdump", "llvm"),
        ("ethtool", "ethtool"),
    ];

    /// <summary>Installs what is missing where this is root on Debian; elsewhere names it.</summary>
    public static void Ensure()
    {
        string[] missing = [.. Needed.Where(need => !Tool.Exists(need.Program)).Select(need => need.Package).Distinct()];
        if (missing.Length == 0)
        {
            return;
        }

        string install = $"apt-get install -y --no-install-recommends {string.Join(' ', missing)}";
        if (!Rights.IsRoot || !Tool.Exists("apt-get"))
        {
            Console.WriteLine($"Some tests will skip: programs are missing. To have them: sudo {install}");
            return;
        }

        Console.WriteLine($"installing {string.Join(", ", missing)}…");
        var environment = new Dictionary<string, string> { ["DEBIAN_FRONTEND"] = "noninteractive" };
        Tool.Run("sh", ["-c", $"(apt-get update -q && {install}) >/dev/null"], environment);
    }
}
