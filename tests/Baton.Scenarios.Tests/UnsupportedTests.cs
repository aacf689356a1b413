namespace Baton.Scenarios.Tests;

/// <summary>What the interpreter does not have is named, and never counts as passed or failed.</summary>
public sealed class UnsupportedTests
{
    [Theory]
    [InlineData("0 < ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0) ack 1 win 1", "packet ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0) ack 1 win 1")]
    [InlineData("0 > icmp unreachable port_unreachable [raw (8)]", "packet icmp unreachable port_unreachable [raw (8)]")]
    [InlineData("0 < S 0:0(0) win 100 <mss MSS>", "undefined word MSS")]
    [InlineData("0 epoll_create(1) = 5", "epoll_create")]
    [InlineData("--ip_version=ipv4-mapped-ipv6\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "setting --ip_version=ipv4-mapped-ipv6")]
    [InlineData("0 %{ for i in range(3): print(i) }%", "code 'for i in range(3): print(i)'")]
    [InlineData("0 %{ assert tcpi_nothing == 1 }%", "code 'tcpi_nothing == 1'")]
    [InlineData("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_MARK, [1], 4) = 0", "setsockopt: SO_MARK")]
    [InlineData("0 socket(..., SOCK_STREAM, IPPROTO_SCTP) = 3", "socket: IPPROTO_SCTP")]
    [InlineData("`sysctl -q net.ipv4.tcp_frto=0`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "`sysctl -q net.ipv4.tcp_frto=0`")]
    [InlineData("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 `nstat | grep Ooo`", "`nstat | grep Ooo`")]
    [InlineData("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 `sysctl net.ipv4.tcp_sack=0`", "`sysctl net.ipv4.tcp_sack=0`")]
    public void An_unknown_construct_is_named(string script, string construct)
    {
        var result = ScenarioRunner.Run(script);
        Assert.Equal((ScenarioOutcome.Unsupported, construct), (result.Outcome, result.Expected));
    }

    [Fact]
    public void Set_up_commands_are_applied_or_listed()
    {
        var result = ScenarioRunner.Run(
            "`sysctl -q net.ipv4.tcp_fastopen=1; nstat > /dev/null`\n0 `sysctl -q net.ipv4.tcp_sack=1`\n0 `/tmp/sysctl_restore_7.sh`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        Assert.Equal(ScenarioOutcome.Passed, result.Outcome);
        Assert.Equal(["line 1: sysctl -q net.ipv4.tcp_fastopen=1", "line 1: nstat", "line 3: /tmp/sysctl_restore_7.sh"], result.Ignored);
    }

    [Fact]
    public void A_script_that_depends_on_a_command_which_is_not_known_never_passes()
    {
        const string Script = "`sysctl -q net.ipv4.tcp_app_win=1`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3";
        Assert.Equal(ScenarioOutcome.Unsupported, ScenarioRunner.Run(Script).Outcome);
        Assert.Equal(ScenarioOutcome.Failed, ScenarioRunner.Run(Script + "\n+0 read(3, ..., 10) = 10").Outcome);
    }

    [Fact]
    public void Shell_scripts_beside_a_script_are_read()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            File.WriteAllText(
                Path.Combine(folder, "set.sh"), "#!/bin/bash\nsysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((1024*1024))\" # a comment\nsysctl -q net.ipv4.tcp_app_win=1 2>/dev/null\n");
            var result = ScenarioRunner.Run("`./set.sh`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [1048576], [4]) = 0", new() { Folder = folder });
            Assert.Equal((ScenarioOutcome.Unsupported, "`sysctl -q net.ipv4.tcp_app_win=1`"), (result.Outcome, result.Expected));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
