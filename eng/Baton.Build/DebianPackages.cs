namespace Baton.Build;

/// <summary>Programs of others that the tests run, and the Debian packages they come in.</summary>
internal static class DebianPackages
{
    private static readonly (string Program, string Package)[] Needed =
    [
        ("ip", "iproute2"),
        ("curl", "curl"),
        ("tshark", "tshark"),
        ("tcptrace", "tcptrace"),
        ("openssl", "openssl"),
        ("unshare", "util-linux"),
        ("ping", "iputils-ping"),
        ("pkill", "procps"),
        ("bpftool", "bpftool"),
        ("llvm-objdump", "llvm"),
        ("ethtool", "ethtool"),
        ("iperf3", "iperf3"),
        ("wrk", "wrk"),
        ("h2load", "nghttp2-client"),
        ("scp", "openssh-client"),
        ("redis-benchmark", "redis-tools"),
        ("sipp", "sip-tester"),
        ("slirp4netns", "slirp4netns"),
        ("nmap", "nmap"),
        ("hping3", "hping3"),
        ("scapy", "python3-scapy"),
        ("frag6", "ipv6toolkit"),
        ("/usr/lib/nginx/modules/ngx_stream_module.so", "libnginx-mod-stream"),
        ("spin", "spin"),
        ("gcc", "gcc"),
    ];

    /// <summary>Servers, with the units that Debian would start and enable as it installs them.</summary>
    private static readonly (string Program, string Package, string Unit)[] Servers =
    [
        ("nginx", "nginx-light", "nginx"),
        ("sshd", "openssh-server", "ssh"),
        ("redis-server", "redis-server", "redis-server"),
        ("haproxy", "haproxy", "haproxy"),
    ];

    /// <summary>Installs what is missing where this is root on Debian; elsewhere names it.</summary>
    public static void Ensure()
    {
        var servers = Servers.Where(server => !Tool.Exists(server.Program)).ToList();
        string[] missing = [.. Needed.Where(need => !Tool.Exists(need.Program)).Select(need => need.Package).Concat(servers.Select(s => s.Package)).Distinct()];
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
        Tool.Run("sh", ["-c", $"({Quietly(install, string.Join(' ', servers.Select(s => s.Unit)))}\n) >/dev/null"], environment);
    }

    /// <summary>No server starts or stays enabled because tests want its program (policy-rc.d, invoke-rc.d(8)).</summary>
    private static string Quietly(string install, string units) => $$"""
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy && trap 'rm -f '$policy EXIT; fi
        apt-get update -q && {{install}} && if [ -n "{{units}}" ] && command -v systemctl; then systemctl disable -q {{units}} || true; fi
        """;
}
