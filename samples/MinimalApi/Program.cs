using Baton.Hosting;

var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.UseBaton("web");

var app = builder.Build();
var started = DateTimeOffset.UtcNow;

// Who answers: after a deploy another node, or the next version of the program, over the same connection.
app.MapGet("/", (HttpContext context, BatonNode node) => new Answer(
    node.Engine.Self.Name, started, $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}"));

// Anything else is as it always was.
app.MapPost("/sum", (int[] numbers) => new Sum(numbers.Sum(number => (long)number)));
await app.RunAsync();

/// <summary>Who answers.</summary>
/// <param name="Node">The farm's node.</param>
/// <param name="Started">Since when the process runs.</param>
/// <param name="Client">The client's address and port, which stay while its connection does.</param>
internal sealed record Answer(string Node, DateTimeOffset Started, string Client);

/// <summary>An answer to <c>POST /sum</c>.</summary>
/// <param name="Total">The numbers' sum.</param>
internal sealed record Sum(long Total);
