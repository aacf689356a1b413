using Baton.Hosting;
using Baton.Node.Cli;

namespace Baton.Node.Tests.Cli;

public sealed class CommandTests
{
    [Theory]
    [InlineData("node --config x.json --name b")]
    [InlineData("status --json --local")]
    [InlineData("status --node a")]
    [InlineData("connections --socket /tmp/x.sock --local")]
    [InlineData("show 203.0.113.2:40001")]
    [InlineData("move 203.0.113.2:40001 b --json")]
    [InlineData("drain b --undo")]
    [InlineData("drain b --deadline 30")]
    [InlineData("takeover a --force --json")]
    [InlineData("capture --directory /tmp --snaplen 0 --seconds 2")]
    [InlineData("demo --delay 1 --loss 0.5 --size 64M --snaplen 0 --keep-captures /tmp --link tap --json")]
    [InlineData("relay --first n/d --second m/d")]
    public void Every_documented_form_is_understood(string line) => Assert.Empty(CommandTree.Build().Parse(line).Errors);

    [Theory]
    [InlineData("move 203.0.113.2:40001")]
    [InlineData("show")]
    [InlineData("demo --size 5T")]
    [InlineData("demo --size 10")]
    [InlineData("demo --loss 80")]
    [InlineData("demo --link carrier-pigeon")]
    [InlineData("fly")]
    public void Everything_else_is_an_error(string line) => Assert.NotEmpty(CommandTree.Build().Parse(line).Errors);

    [Fact]
    public void Without_a_name_any_node_of_this_machine_is_asked() =>
        Assert.Equal("/r/a.sock", ControlArguments.Find(null, null, [("a", "/r/a.sock"), ("b", "/r/b.sock")]));

    [Fact]
    public void A_named_node_is_found() =>
        Assert.Equal("/r/b.sock", ControlArguments.Find("b", null, [("a", "/r/a.sock"), ("b", "/r/b.sock")]));

    [Fact]
    public void A_node_that_does_not_run_is_named_with_those_that_do()
    {
        var none = Assert.Throws<NoNodeException>(() => ControlArguments.Find("x", null, [("a", "/r/a.sock"), ("b", "/r/b.sock")]));
        Assert.Equal("Node 'x' does not run on this machine. Running: a, b.", none.Message);
    }

    [Fact]
    public void Without_any_node_the_message_says_how_to_start_one()
    {
        var none = Assert.Throws<NoNodeException>(() => ControlArguments.Find(null, null, []));
        Assert.Contains("baton node --config baton.json", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Acknowledged_and_received_bytes_do_not_count_syn_and_wrap_right()
    {
        var view = new ConnectionView
        {
            Node = "a", Id = "1", Protocol = "tcp", Client = "c", Server = "s", State = "ESTABLISHED",
            Activity = Engine.EndpointActivity.Active, Owner = "o", Epoch = 1, ReceiveQueue = 0, SendQueue = 0, HeldPackets = 0,
            BytesIn = 0, BytesOut = 0, Retransmitted = 0, AgeSeconds = 0, History = [],
            Iss = uint.MaxValue, SndUna = 9, Irs = 100, RcvNxt = 101,
        };
        Assert.Equal(9u, view.AcknowledgedBytes);
        Assert.Equal(0u, view.ReceivedBytes);
        Assert.Equal(0u, (view with { SndUna = view.Iss }).AcknowledgedBytes);
    }
}
