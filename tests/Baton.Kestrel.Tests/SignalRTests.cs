using System.Net.WebSockets;
using System.Text;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;

namespace Baton.Kestrel.Tests;

/// <summary>A hub's connection stays with the state that its server has of it.</summary>
public sealed class SignalRTests
{
    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task A_hubs_connection_is_not_torn_from_its_server_by_a_move()
    {
        await using var farm = await WebFarm.StartAsync(
            2, (app, _) => app.MapHub<CountingHub>("/hub"), services: services => services.AddSignalR());
        using var socket = await farm.WebSocketAsync("/hub");
        Assert.Equal("{}", await AskAsync(socket, """{"protocol":"json","version":1}"""));
        Assert.Contains("\"result\":1", await AskAsync(socket, """{"type":1,"invocationId":"1","target":"Count","arguments":[]}"""));

        var moving = farm.MoveAsync(1, 2);

        Assert.Contains("\"result\":2", await AskAsync(socket, """{"type":1,"invocationId":"2","target":"Count","arguments":[]}"""));
        Assert.False(moving.IsCompleted);
    }

    /// <summary>Sends a message and receives the next that is no ping.</summary>
    private static async Task<string> AskAsync(WebSocket socket, string message)
    {
        const char end = '\u001E';
        await socket.SendAsync(Encoding.UTF8.GetBytes(message + end), WebSocketMessageType.Text, true, WebFarm.Patience());
        byte[] buffer = new byte[4096];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, WebFarm.Patience());
            string answer = Encoding.UTF8.GetString(buffer, 0, received.Count);
            if (!answer.Contains("\"type\":6", StringComparison.Ordinal))
            {
                return answer.TrimEnd(end);
            }
        }
    }

    /// <summary>Counts what its connection asks for.</summary>
    private sealed class CountingHub : Hub
    {
        public int Count()
        {
            int count = Context.Items.TryGetValue("count", out object? before) ? (int)before! + 1 : 1;
            Context.Items["count"] = count;
            return count;
        }
    }
}
