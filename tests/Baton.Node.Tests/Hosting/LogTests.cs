using Microsoft.Extensions.Logging;

namespace Baton.Node.Tests.Hosting;

public sealed class LogTests
{
    [Theory]
    [InlineData(1667, 1)]
    [InlineData(1668, 0)]
    public async Task A_lan_that_does_not_take_the_fronts_packets_encapsulated_is_warned_of_once(int lanMtu, int warnings)
    {
        await using var node = await InProcessNode.StartAsync(options => options.Lan.Mtu = lanMtu);

        var logged = node.Log.Lines.Where(line => line.Level == LogLevel.Warning).ToArray();
        Assert.Equal(warnings, logged.Length);
        Assert.All(logged, line =>
        {
            Assert.Equal(1003, line.Id);
            Assert.Contains("Baton:Lan:Mtu is 1667", line.Text, StringComparison.Ordinal);
            Assert.Contains("1668", line.Text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_start_tells_where_the_node_is()
    {
        await using var node = await InProcessNode.StartAsync();

        var (level, id, text) = Assert.Single(node.Log.Lines);
        Assert.Equal((LogLevel.Information, 1001), (level, id));
        Assert.Contains("198.51.100.101", text, StringComparison.Ordinal);
        Assert.Contains(node.SocketPath, text, StringComparison.Ordinal);
    }
}
