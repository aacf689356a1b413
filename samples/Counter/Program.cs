using Baton.Hosting;
using Baton.Kestrel;
using Microsoft.AspNetCore.SignalR;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseBaton("web");
builder.Services.AddSignalR();

var app = builder.Build();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapHub<CounterHub>("/counter").WithHandoff();
await app.RunAsync();

/// <summary>Counts for each of its clients.</summary>
internal sealed class CounterHub(BatonNode node) : Hub
{
    private const string Key = "count";

    // Over a socket of the kernel, or with another transport than WebSocket, there is no such feature.
    private IHandoffFeature? Handoff => Context.GetHttpContext()?.Features.Get<IHandoffFeature>();

    private int Count { get => (int)Context.Items[Key]!; set => Context.Items[Key] = value; }

    public override Task OnConnectedAsync()
    {
        Count = Handoff?.GetState(0) ?? 0;
        return Clients.Caller.SendAsync("served", node.Engine.Self.Name, Count);
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        Handoff?.SetState(Count);
        return Task.CompletedTask;
    }

    public int Add(int number) => Count += number;
}
