namespace Baton.Scenarios.Tests;

/// <summary>What the interpreter does not have is named, and never counts as passed or failed.</summary>
public sealed class UnsupportedTests
{
    [Theory]
    [InlineData("0 < [tos 4] S 0:0(0) win 100", "packet [tos 4] S 0:0(0) win 100")]
    [InlineData("0 > icmp unreachable port_unreachable", "packet icmp unreachable port_unreachable")]
    [InlineData("0 < S 0:0(0) win 100 <mss 1000,FO abcd>", "TCP option FO")]
    [InlineData("0 epoll_create(1) = 5", "epoll_create")]
    [InlineData("--ip_version=ipv6\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "setting --ip_version=ipv6")]
    [InlineData("0 %{ print(tcpi_rto) }%", "code 'print(tcpi_rto)'")]
    [InlineData("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_CORK, [1], 4) = 0", "setsockopt: TCP_CORK")]
    [InlineData("0 socket(..., SOCK_STREAM, IPPROTO_SCTP) = 3", "socket: IPPROTO_SCTP")]
    public void An_unknown_construct_is_named(string script, string construct)
    {
        var result = ScenarioRunner.Run(script);
        Assert.Equal((ScenarioOutcome.Unsupported, construct), (result.Outcome, result.Expected));
    }

    [Fact]
    public void Set_up_commands_are_left_out_and_listed()
    {
        var result = ScenarioRunner.Run("`sysctl -q net.ipv4.tcp_app_win=1`\n0 `sysctl -q net.ipv4.tcp_sack=1`\n0 `../common/defaults.sh`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        Assert.Equal(ScenarioOutcome.Passed, result.Outcome);
        Assert.Equal(["line 1: sysctl -q net.ipv4.tcp_app_win=1", "line 3: ../common/defaults.sh"], result.Ignored);
    }
}
