namespace Baton.Scenarios.Tests;

/// <summary>Scripts that say what the stack does not do: each fails at its line, for its reason.</summary>
public sealed class FailingScriptTests
{
    [Theory]
    [InlineData("another-window", "win 4242", "(another window)")]
    [InlineData("another-acknowledgment", "ack 7", "(another acknowledgment)")]
    [InlineData("another-sequence-number", "2:2(0)", "(another sequence number)")]
    [InlineData("another-length", "1:501(500)", "(another payload length)")]
    [InlineData("other-flags", "F. ", "(another flags)")]
    [InlineData("other-options", "<mss 1460,nop,nop,sackOK>", "(another options)")]
    [InlineData("option-where-none-is", "> ", "(another options)")]
    [InlineData("another-ecn-field", "[ect0] S. 0:0(0)", "(another ECN field)")]
    [InlineData("another-sack-block", "sack 1001:2002", "(another options)")]
    [InlineData("another-timestamp", "TS val 5000", "(another options)")]
    [InlineData("another-echo", "ecr 1000", "(another options)")]
    [InlineData("missing-packet", "P. 1:101(100)", "no packet")]
    [InlineData("extra-packet", "no packet before", "P. 1:101(100)")]
    [InlineData("extra-packet-at-the-end", "no packet after this", "P. 1:101(100)")]
    [InlineData("late-packet", "at 1.000000", "late, at 1.100000")]
    [InlineData("late-packet-by-tolerance", "at 1.100000", "late, at 1.104200")]
    [InlineData("early-packet", "at 0.500000", "early, at 0.100000")]
    [InlineData("strict-segments", "P. 1:2501(2500)", "(another flags)")]
    [InlineData("wrong-result", "write returns 200", "100")]
    [InlineData("wrong-error", "read returns -1 ECONNRESET", "-1 EAGAIN")]
    [InlineData("call-blocks", "read returns 100", "the call blocks")]
    [InlineData("call-returns-early", "read returns 100 at 0.600000", "100 at 0.300000")]
    [InlineData("call-never-returns", "read returns 100 at 0.200000", "it still blocks")]
    [InlineData("assertion", "tcpi_snd_cwnd == 11", "tcpi_snd_cwnd is 10")]
    [InlineData("another-tos", "[tos 0x10] P. 1:101(100)", "(another TOS)")]
    [InlineData("another-ttl", "[ttl 63] P. 1:101(100)", "(another TTL)")]
    [InlineData("another-ace-field", "S.7 0:0(0)", "(another flags)")]
    [InlineData("fast-open-option", "FO 0123456789ABCDEF", "(another options)")]
    [InlineData("another-icmp-code", "icmp unreachable host_unreachable", "port_unreachable [udp (100)] at 0.000000 (another type or code)")]
    [InlineData("another-packet-quoted", "[udp (99)]", "(another packet quoted)")]
    [InlineData("another-echo-identifier", "echo_reply id 8", "(another identifier)")]
    [InlineData("icmp-where-a-segment-is", "icmp unreachable", "(another kind of packet)")]
    [InlineData("missing-icmp", "icmp unreachable", "no packet")]
    [InlineData("udp-where-a-segment-is", "udp (100)", "(another kind of packet)")]
    [InlineData("poll-without-its-event", "poll returns 0", "revents= of fd=4")]
    [InlineData("another-option-value", "getsockopt returns 0", "0 with [1000]")]
    [InlineData("second-statement", "0 < tcpi_rtt // 1000 <= 99", "tcpi_rtt is 100000")]
    [InlineData("options-by-bits", "TCPI_OPT_TIMESTAMPS", "tcpi_options is 2")]
    [InlineData("packet-in-the-gap", "no packet before 0.300000", ". 101:101(0) ack 101")]
    [InlineData("range-of-time", "at 0.150000", "early, at 0.140000")]
    [InlineData("not-a-script", "a script", "sequence numbers and length do not agree")]
    public void A_script_that_is_wrong_fails_for_its_reason(string name, string expected, string got)
    {
        string text = ScriptFiles.Read("failing", name + ".pkt");
        var result = ScenarioRunner.Run(text);
        Assert.Equal(ScenarioOutcome.Failed, result.Outcome);
        Assert.Contains(expected, "> " + result.Expected, StringComparison.Ordinal);
        Assert.Contains(got, result.Got, StringComparison.Ordinal);

        int marked = Array.FindIndex(text.Split('\n'), line => line.Contains("// fails", StringComparison.Ordinal)) + 1;
        Assert.Equal(marked, result.Line);
    }

    [Fact]
    public void Every_failing_script_is_tested()
    {
        var rows = typeof(FailingScriptTests).GetMethod(nameof(A_script_that_is_wrong_fails_for_its_reason))!
            .GetCustomAttributes(typeof(InlineDataAttribute), inherit: false);
        Assert.Equal(ScriptFiles.In("failing").Count(), rows.Length);
    }
}
