namespace Baton.Scenarios.Tests;

/// <summary>What scripts written for Linux rely on, and what is said of it.</summary>
public sealed class ProfileTests
{
    private const string Start = """
        0     socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0    setsockopt(3, SOL_SOCKET, SO_SNDBUF, [20000], 4) = 0
        +0    bind(3, ..., ...) = 0
        +0    listen(3, 1) = 0
        +0    < S 0:0(0) win 65535 <mss 1000,sackOK>
        +0    > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
        +.1   < . 1:1(0) ack 1 win 65535
        +0    accept(3, ..., ...) = 4

        """;

    private static readonly ScenarioOptions Linux = new() { Profile = ScenarioProfile.Linux };

    [Theory]
    [InlineData("+0 < P. 1:101(100) ack 1 win 65535\n+0 > . 1:1(0) ack 101")]
    [InlineData("+0 write(4, ..., 40000) = 40000\n+0 > P. 1:10001(10000) ack 1")]
    [InlineData("+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+.1 < . 1:1(0) ack 101 win 65535\n+0 %{ assert tcpi_rto == 300000 }%")]
    [InlineData("+0 getsockopt(4, SOL_SOCKET, SO_SNDBUF, [40000], [4]) = 0")]
    [InlineData("+0 write(4, ..., 100) = 100")]
    public void A_script_for_Linux_passes_with_its_profile_only(string lines)
    {
        Assert.Equal(ScenarioOutcome.Passed, ScenarioRunner.Run(Start + lines, Linux).Outcome);
        Assert.Equal(ScenarioOutcome.Failed, ScenarioRunner.Run(Start + lines).Outcome);
    }

    [Fact]
    public void What_is_not_compared_is_listed()
    {
        var result = ScenarioRunner.Run(Start + "+0 write(4, ..., 40000) = 40000\n+0 > P. 1:5001(5000) ack 1", Linux);
        Assert.Equal(["line 10: PSH of P. 4001:5001(1000) ack 1", "line 10: 5 packets that no line follows"], result.Ignored);
    }

    [Fact]
    public void PSH_at_the_end_of_what_was_written_is_compared() =>
        Assert.Equal(ScenarioOutcome.Failed, ScenarioRunner.Run(Start + "+0 write(4, ..., 500) = 500\n+0 > . 1:501(500) ack 1", Linux).Outcome);

    [Fact]
    public void A_packet_that_another_line_gets_instead_fails_it() =>
        Assert.Equal(
            ScenarioOutcome.Failed,
            ScenarioRunner.Run(Start + "+0 write(4, ..., 100) = 100\n+.1 write(4, ..., 200) = 200\n+0 > P. 101:301(200) ack 1", Linux).Outcome);
}
