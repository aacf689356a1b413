using Baton.Kestrel;
using Download;

var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.UseBaton("web");

var app = builder.Build();
var folder = Folder.Open(app.Configuration["Folder"]);
app.MapGet("/", () => Results.Text(string.Concat(folder.Names.Select(name => name + "\n"))));
app.MapMethods("/{name}", [HttpMethods.Get, HttpMethods.Head], (string name, HttpContext context) =>
    folder.Find(name) is { } file ? FileResponse.SendAsync(context, file) : NotFoundAsync(context));
await app.RunAsync();

static Task NotFoundAsync(HttpContext context)
{
    context.Response.StatusCode = StatusCodes.Status404NotFound;
    return Task.CompletedTask;
}
