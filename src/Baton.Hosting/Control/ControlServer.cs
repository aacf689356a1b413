using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Baton.Hosting;

/// <summary>The control API: HTTP on the node's Unix socket. <c>docs/operating.md</c> lists it.</summary>
internal sealed class ControlServer : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly ControlSocket _socket;

    private ControlServer(WebApplication web, ControlSocket socket)
    {
        _web = web;
        _socket = socket;
    }

    /// <summary>Begins to answer on <paramref name="socket"/>, which it owns from then on.</summary>
    public static async Task<ControlServer> StartAsync(
        ControlSocket socket, NodeControl node, FarmControl farm, CaptureControl captures, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => o.ListenUnixSocket(socket.FilePath, l => l.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1));
        builder.Services.AddRoutingCore();
        var web = builder.Build();
        web.UseRouting();
        Map(web, node, farm, captures);
        await web.StartAsync(cancellation);
        socket.Restrict();
        return new(web, socket);
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _web.StopAsync(limit.Token);
        await _web.DisposeAsync();
        _socket.Dispose();
    }

    private static void Map(WebApplication web, NodeControl node, FarmControl farm, CaptureControl captures)
    {
        var json = ControlJson.Default;
        Get(web, "/status", async http => await farm.StatusAsync(IsLocal(http), http.RequestAborted), json.FarmView);
        Get(web, "/connections", async http => await farm.ConnectionsAsync(IsLocal(http), http.RequestAborted), json.ConnectionsView);
        Get(web, "/connections/{name}", async http => await FindAsync(http, farm), json.ConnectionsView);
        Get(web, "/handoffs", async http => await node.HandoffsAsync(http.RequestAborted), json.IReadOnlyListHandoffView);
        Get(web, "/forwarding", async http => await node.ForwardingAsync(http.RequestAborted), json.IReadOnlyListForwardingView);
        Get(web, "/drain", async http => await farm.DrainAsync(NodeOf(http), FarmQuestionKind.DrainProgress, http.RequestAborted), json.DrainView);
        Get(web, "/capture", _ => Task.FromResult(captures.Views), json.IReadOnlyListCaptureView);
        Post(web, "/move", json.MoveCommand, async (http, command) => await farm.MoveAsync(Checked(command), http.RequestAborted), json.MoveView);
        Post(web, "/drain", async http => await farm.DrainAsync(NodeOf(http), FarmQuestionKind.Drain, http.RequestAborted), json.DrainView);
        Post(web, "/resume", async http => await farm.DrainAsync(NodeOf(http), FarmQuestionKind.Resume, http.RequestAborted), json.DrainView);
        Post(web, "/takeover", json.TakeoverCommand, async (http, command) => await node.TakeOverAsync(Checked(command), http.RequestAborted), json.TakeoverView);
        Post(web, "/capture/start", json.CaptureCommand, (_, command) => Task.FromResult(captures.Start(Checked(command))), json.IReadOnlyListCaptureView);
        Post(web, "/capture/stop", _ => Task.FromResult(captures.Stop()), json.IReadOnlyListCaptureView);
    }

    private static async Task<ConnectionsView> FindAsync(HttpContext http, FarmControl farm)
    {
        var name = (string)http.GetRouteValue("name")!;
        var all = await farm.ConnectionsAsync(IsLocal(http), http.RequestAborted);
        var found = all.Connections.Where(c => NodeControl.Names(name, c)).ToArray();
        if (found is [var one] && !IsLocal(http))
        {
            found = [one with { Placements = await farm.PlacementsAsync(one, http.RequestAborted) }];
        }

        return all with { Connections = found };
    }

    // What a command lacks is null, whatever its type says.
    private static MoveCommand Checked(MoveCommand command) => command is { Connection.Length: > 0, Target.Length: > 0 }
        ? command
        : throw new BadHttpRequestException("A move names a connection and a target.");

    private static TakeoverCommand Checked(TakeoverCommand command) => command is { Node.Length: > 0 }
        ? command
        : throw new BadHttpRequestException("A takeover names a node.");

    private static CaptureCommand Checked(CaptureCommand command) => command is { Directory.Length: > 0, SnapLength: >= 0 }
        ? command
        : throw new BadHttpRequestException("A capture names a directory, and keeps 0 (all) or more bytes of a packet.");

    private static bool IsLocal(HttpContext http) => http.Request.Query.ContainsKey("local");

    private static string? NodeOf(HttpContext http) => http.Request.Query["node"] is [{ Length: > 0 } node] ? node : null;

    private static void Get<T>(WebApplication web, string path, Func<HttpContext, Task<T>> handle, JsonTypeInfo<T> type) =>
        web.MapGet(path, Answer(handle, type));

    private static void Post<T>(WebApplication web, string path, Func<HttpContext, Task<T>> handle, JsonTypeInfo<T> type) =>
        web.MapPost(path, Answer(handle, type));

    private static void Post<TCommand, T>(
        WebApplication web, string path, JsonTypeInfo<TCommand> commandType, Func<HttpContext, TCommand, Task<T>> handle, JsonTypeInfo<T> type)
        where TCommand : class => web.MapPost(path, Answer(
            async http =>
            {
                var command = http.Request.HasJsonContentType()
                    ? await http.Request.ReadFromJsonAsync(commandType, http.RequestAborted)
                    : null;
                return await handle(http, command ?? throw new BadHttpRequestException("The request has no JSON body."));
            },
            type));

    /// <summary>Writes what <paramref name="handle"/> gives, or what went wrong, as JSON.</summary>
    private static RequestDelegate Answer<T>(Func<HttpContext, Task<T>> handle, JsonTypeInfo<T> type) => async http =>
    {
        try
        {
            await http.Response.WriteAsJsonAsync(await handle(http), type, cancellationToken: http.RequestAborted);
        }
        catch (Exception failure) when (failure is System.Text.Json.JsonException or BadHttpRequestException)
        {
            await FailAsync(http, StatusCodes.Status400BadRequest, failure.Message);
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException or UnauthorizedAccessException)
        {
            await FailAsync(http, StatusCodes.Status409Conflict, failure.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The tool has gone.
        }
    };

    private static Task FailAsync(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(new ErrorView(message), ControlJson.Default.ErrorView);
    }
}
