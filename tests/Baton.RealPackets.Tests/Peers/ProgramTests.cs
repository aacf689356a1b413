using System.Globalization;
using System.Net;
using Baton.Link;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>
/// Programs of others, unchanged, as clients of the node and as servers to it: what a client sends and gets passes the
/// node's TCP, and reaches a server over the namespace's loopback, or the other way round.
/// </summary>
public sealed class ProgramTests
{
    public static TheoryData<bool, int, LinkKind?> Ways => new()
    {
        { true, 0, null }, { true, 1, null }, { true, 5, null }, { false, 0, null }, { false, 1, null }, { false, 5, null },
        { true, 1, LinkKind.Packet }, { true, 0, LinkKind.Xdp }, { false, 1, LinkKind.Xdp },
    };

    [RealTheory]
    [MemberData(nameof(Ways))]
    public async Task Curl_fetches_from_nginx(bool inwards, int lossPercent, LinkKind? link)
    {
        PeerProgram.Need("nginx", "nginx-light");
        await using var farm = await StartAsync(lossPercent, link);
        var servers = await PeerServers.StartAsync(farm);
        await servers.StartNginxAsync();
        var to = await WayAsync(farm, inwards, PeerServers.Http);
        string got = Path.Combine(servers.Folder, "got");
        await PeerProgram.SucceedAsync(farm, "curl", "-sSf", "-o", got, $"http://{to}/file");
        Assert.Equal(PeerServers.HashOf(servers.File), PeerServers.HashOf(got));
        string error = (await PeerProgram.RunAsync(farm, "curl", "-sSf", $"http://{to}/nothing")).Output;
        Assert.Contains("404", error, StringComparison.Ordinal);
    }

    [RealTheory]
    [MemberData(nameof(Ways))]
    public async Task Scp_and_sftp_copy_there_and_back(bool inwards, int lossPercent, LinkKind? link)
    {
        PeerProgram.Need("sshd", "openssh-server");
        PeerProgram.Need("scp", "openssh-client");
        Assert.SkipUnless(HasEveryUser, "needs a user namespace with all users, or none: sshd changes to another");
        await using var farm = await StartAsync(lossPercent, link);
        var servers = await PeerServers.StartAsync(farm);
        await servers.StartSshAsync();
        var to = await WayAsync(farm, inwards, PeerServers.Ssh);
        string[] options =
        [
            "-q", "-F", "/dev/null", "-i", $"{servers.Folder}/user", "-P", to.Port.ToString(CultureInfo.InvariantCulture),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
        ];
        string there = Path.Combine(servers.Folder, "there"), back = Path.Combine(servers.Folder, "back");
        await PeerProgram.SucceedAsync(farm, "scp", [.. options, servers.File, $"root@{to.Address}:{there}"]);
        Assert.Equal(PeerServers.HashOf(servers.File), PeerServers.HashOf(there));
        await PeerProgram.SucceedAsync(farm, "sftp", [.. options, $"root@{to.Address}:{there}", back]);
        Assert.Equal(PeerServers.HashOf(servers.File), PeerServers.HashOf(back));
    }

    [RealTheory]
    [MemberData(nameof(Ways))]
    public async Task Iperf3_fills_the_path_both_ways(bool inwards, int lossPercent, LinkKind? link)
    {
        PeerProgram.Need("iperf3", "iperf3");
        await using var farm = await StartAsync(lossPercent, link);
        var servers = await PeerServers.StartAsync(farm);
        var server = servers.StartIperf();
        var to = await WayAsync(farm, inwards, PeerServers.Iperf);
        string size = lossPercent == 0 ? "32M" : "2M";
        foreach (string[] direction in (string[][])[[], ["-R"]])
        {
            await server.SaysAsync("Server listening");
            string output = await PeerProgram.SucceedAsync(
                farm, "iperf3", ["-c", $"{to.Address}", "-p", $"{to.Port}", "-n", size, "-P", "2", .. direction]);
            Assert.Contains("iperf Done", output, StringComparison.Ordinal);
        }
    }

    [RealTheory]
    [MemberData(nameof(Ways))]
    public async Task Wrk_and_h2load_get_every_answer_of_nginx(bool inwards, int lossPercent, LinkKind? link)
    {
        PeerProgram.Need("nginx", "nginx-light");
        PeerProgram.Need("wrk", "wrk");
        PeerProgram.Need("h2load", "nghttp2-client");
        await using var farm = await StartAsync(lossPercent, link);
        var servers = await PeerServers.StartAsync(farm);
        await servers.StartNginxAsync();
        var to = await WayAsync(farm, inwards, PeerServers.Http);

        // A lost ARP request or SYN costs a second each, during which nothing is asked.
        string wrk = await PeerProgram.SucceedAsync(farm, "wrk", "-t1", "-c8", lossPercent == 0 ? "-d1s" : "-d5s", "--timeout", "20s", $"http://{to}/short");
        Assert.DoesNotContain("Socket errors", wrk, StringComparison.Ordinal);
        Assert.DoesNotContain("Non-2xx", wrk, StringComparison.Ordinal);
        Assert.DoesNotContain(" 0 requests in", wrk, StringComparison.Ordinal);

        var to2 = await WayAsync(farm, inwards, PeerServers.Http2, second: true);
        string h2load = await PeerProgram.SucceedAsync(farm, "h2load", "-n", "500", "-c", "4", "-m", "10", $"http://{to2}/short");
        Assert.Contains("500 succeeded, 0 failed, 0 errored, 0 timeout", h2load, StringComparison.Ordinal);
    }

    [RealTheory]
    [MemberData(nameof(Ways))]
    public async Task Redis_benchmark_gets_every_reply(bool inwards, int lossPercent, LinkKind? link)
    {
        PeerProgram.Need("redis-server", "redis-server");
        PeerProgram.Need("redis-benchmark", "redis-tools");
        await using var farm = await StartAsync(lossPercent, link);
        var servers = await PeerServers.StartAsync(farm);
        await servers.StartRedisAsync();
        var to = await WayAsync(farm, inwards, PeerServers.Redis);
        string[] at = ["-h", $"{to.Address}", "-p", $"{to.Port}"];
        string output = await PeerProgram.SucceedAsync(farm, "redis-benchmark", [.. at, "-t", "set,get", "-n", "1000", "-c", "8", "-P", "4", "-d", "512", "--csv"]);
        Assert.Contains("\"GET\"", output, StringComparison.Ordinal);
        Assert.Contains("keys=1", await PeerProgram.SucceedAsync(farm, "redis-cli", [.. at, "INFO", "keyspace"]), StringComparison.Ordinal);
    }

    [RealTheory]
    [InlineData(0, null)]
    [InlineData(1, null)]
    [InlineData(5, null)]
    [InlineData(1, LinkKind.Packet)]
    [InlineData(1, LinkKind.Xdp)]
    public async Task Sipp_completes_its_calls_over_udp(int lossPercent, LinkKind? link)
    {
        PeerProgram.Need("sipp", "sip-tester");
        await using var farm = await StartAsync(lossPercent, link);
        var servers = await PeerServers.StartAsync(farm);
        servers.StartSip();
        await farm.DatagramsInwardsAsync(new IPEndPoint(IPAddress.Loopback, PeerServers.Sip));

        // With the neighbours known, a lost ARP request holds no call for a second.
        await PeerProgram.RunAsync(farm, "ping", "-c", "20", "-i", "0.05", "-W", "1", $"{PeerFarm.Service(v6: false)}");
        string output = await PeerProgram.SucceedAsync(
            farm,
            "sipp",
            [
                "-sn", "uac", .. PeerServers.SipIgnoresRepeats, "-i", $"{PeerFarm.Kernel(v6: false)}", "-m", "100", "-r", "100", "-d", "10", "-nostdin",
                "-timeout", "50s", $"{PeerFarm.Service(v6: false)}:{PeerFarm.UdpPort}",
            ]);
        Assert.Matches(@"Successful call\s+\|\s+\d+\s+\|\s+100\s", output);
    }

    /// <summary>sshd leaves root for another user, whom a namespace of one user does not have.</summary>
    private static bool HasEveryUser => File.ReadAllText("/proc/self/uid_map").Contains("4294967295", StringComparison.Ordinal);

    private static Task<PeerFarm> StartAsync(int lossPercent, LinkKind? link) => PeerFarm.StartAsync(
        lossPercent == 0 ? null : new FaultProfile { Loss = lossPercent / 100.0, Reordering = 0.01, Delay = TimeSpan.FromMilliseconds(0.2) }, kind: link);

    /// <summary>Where a client has to connect to for a server of the namespace.</summary>
    /// <param name="farm">The farm.</param>
    /// <param name="inwards">Whether the client meets the node, rather than the server.</param>
    /// <param name="port">The server's port.</param>
    /// <param name="second">Whether the node's first service is taken.</param>
    private static async Task<IPEndPoint> WayAsync(PeerFarm farm, bool inwards, int port, bool second = false)
    {
        if (!inwards)
        {
            return farm.Outwards(new IPEndPoint(PeerFarm.Kernel(v6: false), port));
        }

        ushort service = (ushort)(PeerFarm.FirstPort + (second ? 1 : 0));
        await farm.InwardsAsync(service, new IPEndPoint(IPAddress.Loopback, port));
        return new IPEndPoint(PeerFarm.Service(v6: false), service);
    }
}
