using System.Net;
using Baton.Engine;

namespace Baton.RealPackets.Tests.Peers;

/// <summary>
/// Tools that scan, flood and send what makes no sense, against a node that serves meanwhile: its answers are the RFCs',
/// what it serves goes on to the last byte, and what it keeps stays within its bounds and goes.
/// </summary>
public sealed class AttackTests
{
    /// <summary>What a flood may leave in the collected heap: buffers that a pool keeps.</summary>
    private const long HeapGrowth = 64L << 20;

    private static readonly EngineLimits s_limits = new() { UnattachedEndpoints = 512, HalfOpen = 128, UnattachedTimeout = TimeSpan.FromSeconds(2) };

    [RealTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nmap_finds_the_services_open_and_other_ports_closed_by_every_kind_of_scan(bool v6)
    {
        PeerProgram.Need("nmap", "nmap");
        await using var farm = await StartAsync();
        await WithstandAsync(farm, v6, async () =>
        {
            string[] common = [.. v6 ? (string[])["-6"] : [], "-n", "-Pn", "-T5", "--max-retries", "8", "-p", $"{PeerFarm.FirstPort},9"];
            string address = PeerFarm.Service(v6).ToString();
            async Task AssertAsync(string scan, string open, string closed)
            {
                string found = await PeerProgram.SucceedAsync(farm, "nmap", [.. common, scan, address]);
                Assert.Matches($@"7000/tcp\s+{open} ", found);
                Assert.Matches($@"9/tcp\s+{closed} ", found);
            }

            // RFC 9293 §3.10.7.2: in LISTEN only RST answers ACK; §3.10.7.1: in CLOSED whatever it is.
            await Task.WhenAll(
                AssertAsync("-sS", "open", "closed"),
                AssertAsync("-sF", @"open\|filtered", "closed"),
                AssertAsync("-sN", @"open\|filtered", "closed"),
                AssertAsync("-sX", @"open\|filtered", "closed"),
                AssertAsync("-sA", "unfiltered", "unfiltered"));

            // Over IPv6 nmap's detection at times does not end (nmap/nmap#3219): what counts is what it leaves here.
            var (status, output) = await PeerProgram.RunAsync(farm, "timeout", [v6 ? "20" : "50", "nmap", .. common, "-sS", "-O", "--max-os-tries", "1", address]);
            Assert.True(status == 0 || (v6 && status == 124), $"OS detection ended with {status}:\n{output}");
        });
    }

    [RealTheory]
    [InlineData("-S")]
    [InlineData("-SF")]
    [InlineData("-A")]
    [InlineData("-R")]
    [InlineData("-FPU")]
    public async Task Hping3_floods_and_real_clients_get_in(string flags)
    {
        PeerProgram.Need("hping3", "hping3");
        await using var farm = await StartAsync();
        await WithstandAsync(farm, v6: false, async () =>
        {
            // From an address that nobody has, so that nothing resets what it begins.
            var flood = PeerProgram.RunAsync(
                farm,
                "timeout",
                ["2", "hping3", "--flood", "-q", .. flags[1..].Select(flag => $"-{flag}"), "-a", "198.51.100.77", "-p", $"{PeerFarm.FirstPort}", $"{PeerFarm.Service(v6: false)}"]);
            int most = 0;
            while (!flood.IsCompleted)
            {
                using var client = farm.Open(v6: false);
                await client.ConnectAsync(new IPEndPoint(PeerFarm.Service(v6: false), PeerFarm.FirstPort), Wait.Patience());
                most = Math.Max(most, (await farm.Engine.CountersAsync()).Unattached);
            }

            await flood;
            Assert.InRange(most, 0, s_limits.UnattachedEndpoints);
            if (flags == "-S")
            {
                Assert.True((await farm.Engine.CountersAsync()).SynCookiesSent > 0);
            }
        });
    }

    [RealTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Scapy_sends_what_no_stack_would(bool v6)
    {
        PeerProgram.Need("scapy", "python3-scapy");
        await using var farm = await StartAsync();
        await WithstandAsync(farm, v6, async () =>
        {
            string script = Path.Combine(AppContext.BaseDirectory, "Peers", "attacks.py");
            string output = await PeerProgram.SucceedAsync(
                farm, "/usr/bin/python3", script, "cable", $"{PeerFarm.Kernel(v6)}", $"{PeerFarm.Service(v6)}", $"{PeerFarm.Own(v6)}", $"{PeerFarm.FirstPort}", "1");
            Assert.Contains("all sent", output, StringComparison.Ordinal);
            var drops = (await farm.Engine.CountersAsync()).Drops;
            Assert.True(drops.Values.Sum() > 1000, $"too few were dropped: {string.Join(", ", drops)}");
        });
    }

    [RealFact]
    public async Task Ipv6toolkit_forges_neighbours_routers_fragments_and_errors()
    {
        PeerProgram.Need("frag6", "ipv6toolkit");
        await using var farm = await StartAsync();
        await WithstandAsync(farm, v6: true, async () =>
        {
            string service = PeerFarm.Service(v6: true).ToString(), own = PeerFarm.Own(v6: true).ToString(), kernel = PeerFarm.Kernel(v6: true).ToString();
            string[][] attacks =
            [
                ["frag6", "-i", "cable", "-d", service, "--flood-frags", "50", "-l", "-z", "1"],
                ["frag6", "-i", "cable", "-d", own, "--frag-reass-policy"],
                ["icmp6", "-i", "cable", "-d", service, "--icmp6-packet-too-big", "-m", "1280", "-l", "-z", "1"],
                ["icmp6", "-i", "cable", "-d", own, "--icmp6-unreach-no-route", "-l", "-z", "1"],
                ["ns6", "-i", "cable", "-d", service, "-t", service, "-F", "200", "-l", "-z", "1"],
                ["na6", "-i", "cable", "-d", service, "-t", own, "-c", "-o", "-E", "02:00:00:00:66:66", "-l", "-z", "1"],
                ["ra6", "-i", "cable", "-d", own, "-t", "60", "-F", "50", "-l", "-z", "1"],
                ["rd6", "-i", "cable", "-s", kernel, "-d", service, "-t", own, "-r", "2001:db8:1::66", "-l", "-z", "1"],
                ["tcp6", "-i", "cable", "-d", service, "-a", $"{PeerFarm.FirstPort}", "-X", "S", "-F", "200", "-l", "-z", "1"],
                ["jumbo6", "-i", "cable", "-d", service],
            ];
            await Task.WhenAll(attacks.Select(async attack =>
            {
                var (status, output) = await PeerProgram.RunAsync(farm, "timeout", ["1.5", .. attack]);

                // The end of its time, its own end, or that the answer it waits for does not come.
                Assert.True(status is 124 or 0 or 1, $"{string.Join(' ', attack)} ended with {status}:\n{output}");
            }));
        });
    }

    private static async Task<PeerFarm> StartAsync()
    {
        var farm = await PeerFarm.StartAsync(limits: s_limits);
        await farm.ServeAsync(PeerFarm.FirstPort, new Duplex());
        return farm;
    }

    /// <summary>Streams both ways before, during and after an attack; then everything that it made has to go.</summary>
    private static async Task WithstandAsync(PeerFarm farm, bool v6, Func<Task> attack)
    {
        var socket = farm.Open(v6);
        await socket.ConnectAsync(new IPEndPoint(PeerFarm.Service(v6), PeerFarm.FirstPort), Wait.Patience());
        var witness = DuplexClient.Start(socket);
        await witness.ProgressAsync(1 << 20);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await attack();
        await witness.ProgressAsync(1 << 20);
        await witness.FinishAsync();
        Assert.False(farm.Engine.Stopped.IsCompleted);
        await Wait.UntilAsync(async () => (await farm.Engine.CountersAsync()).Endpoints == 0, "every endpoint is gone");
        long after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(after - before < HeapGrowth, $"the heap grew by {(after - before) >> 20} MiB");
    }
}
