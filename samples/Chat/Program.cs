using System.Security.Cryptography.X509Certificates;
using Baton.Engine;
using Baton.Hosting;
using Baton.Kestrel;
using Chat;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseBaton("web");

// With a certificate over TLS as well, on the farm's service "tls"; those connections move, too.
if (builder.Configuration["Certificate"] is { Length: > 0 } certificate)
{
    var loaded = X509Certificate2.CreateFromPemFile(certificate, builder.Configuration["CertificateKey"]);
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(new BatonEndPoint("tls"), listen => listen.UseBatonTls(loaded)));
}

builder.Services.AddSingleton<Rooms>();
builder.Services.AddSingleton<Backplane>();
builder.Services.AddHostedService(services => services.GetRequiredService<Backplane>());

var app = builder.Build();
app.UseDefaultFiles();
app.UseStaticFiles();
app.UseWebSockets();
app.Map("/chat/{room}", async (HttpContext context, string room, string? name, Rooms rooms, BatonNode node, IConfiguration configuration) =>
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    // Over a socket of the kernel there is no farm, and no such feature.
    var handoff = context.Features.Get<IHandoffFeature>();
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    var visit = new Visit(socket, rooms[room], name ?? "somebody", handoff?.GetState<VisitState?>(null));
    await visit.RunAsync(new(node.Engine.Self.Name, configuration["Version"] ?? "1"));
    handoff?.SetState(visit.State);
    await visit.CloseAsync();
});
await app.RunAsync();
