using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Serialization.Metadata;
using Baton.Engine;

namespace Baton.Hosting;

/// <summary>Speaks to a node's control API. The tool and the demonstration use nothing else.</summary>
public sealed class ControlClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _path;

    /// <summary>Will connect to the socket at <paramref name="path"/>.</summary>
    public ControlClient(string path)
    {
        _path = path;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(System.Net.Sockets.AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _http = new HttpClient(handler) { BaseAddress = new("http://baton"), Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>The farm, or only this node.</summary>
    public Task<FarmView> StatusAsync(bool local = false, CancellationToken cancellation = default) =>
        GetAsync("/status" + Local(local), ControlJson.Default.FarmView, cancellation);

    /// <summary>The farm's connections, or only this node's.</summary>
    public Task<ConnectionsView> ConnectionsAsync(bool local = false, CancellationToken cancellation = default) =>
        GetAsync("/connections" + Local(local), ControlJson.Default.ConnectionsView, cancellation);

    /// <summary>The connections that an id or a client's address and port names.</summary>
    public Task<ConnectionsView> FindAsync(string name, bool local = false, CancellationToken cancellation = default) =>
        GetAsync("/connections/" + Uri.EscapeDataString(name) + Local(local), ControlJson.Default.ConnectionsView, cancellation);

    /// <summary>The handoffs this node took part in.</summary>
    public Task<IReadOnlyList<HandoffView>> HandoffsAsync(CancellationToken cancellation = default) =>
        GetAsync("/handoffs", ControlJson.Default.IReadOnlyListHandoffView, cancellation);

    /// <summary>This node's part of the directory.</summary>
    public Task<IReadOnlyList<ForwardingView>> ForwardingAsync(CancellationToken cancellation = default) =>
        GetAsync("/forwarding", ControlJson.Default.IReadOnlyListForwardingView, cancellation);

    /// <summary>Moves a connection, wherever in the farm it lives.</summary>
    public Task<MoveView> MoveAsync(MoveCommand command, CancellationToken cancellation = default) =>
        PostAsync("/move", JsonContent.Create(command, ControlJson.Default.MoveCommand), ControlJson.Default.MoveView, cancellation);

    /// <summary>Begins to drain a node.</summary>
    public Task<DrainView> DrainAsync(string? node, CancellationToken cancellation = default) =>
        PostAsync("/drain" + NodeQuery(node), null, ControlJson.Default.DrainView, cancellation);

    /// <summary>How far a node's drain is.</summary>
    public Task<DrainView> DrainProgressAsync(string? node, CancellationToken cancellation = default) =>
        GetAsync("/drain" + NodeQuery(node), ControlJson.Default.DrainView, cancellation);

    /// <summary>Lets a drained node take connections again.</summary>
    public Task<DrainView> ResumeAsync(string? node, CancellationToken cancellation = default) =>
        PostAsync("/resume" + NodeQuery(node), null, ControlJson.Default.DrainView, cancellation);

    /// <summary>Asks this node to take a dead one's service addresses.</summary>
    public Task<TakeoverView> TakeOverAsync(TakeoverCommand command, CancellationToken cancellation = default) =>
        PostAsync("/takeover", JsonContent.Create(command, ControlJson.Default.TakeoverCommand), ControlJson.Default.TakeoverView, cancellation);

    /// <summary>Begins to capture this node's links.</summary>
    public Task<IReadOnlyList<CaptureView>> StartCaptureAsync(CaptureCommand command, CancellationToken cancellation = default) =>
        PostAsync("/capture/start", JsonContent.Create(command, ControlJson.Default.CaptureCommand), ControlJson.Default.IReadOnlyListCaptureView, cancellation);

    /// <summary>Ends the capture.</summary>
    public Task<IReadOnlyList<CaptureView>> StopCaptureAsync(CancellationToken cancellation = default) =>
        PostAsync("/capture/stop", null, ControlJson.Default.IReadOnlyListCaptureView, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string Local(bool local) => local ? "?local" : "";

    private static string NodeQuery(string? node) => node is null ? "" : "?node=" + Uri.EscapeDataString(node);

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        await SendAsync(new(HttpMethod.Get, path), type, cancellation);

    private async Task<T> PostAsync<T>(string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        await SendAsync(new(HttpMethod.Post, path) { Content = content }, type, cancellation);

    private async Task<T> SendAsync<T>(HttpRequestMessage request, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using (request)
        {
            try
            {
                using var response = await _http.SendAsync(request, cancellation);
                if (!response.IsSuccessStatusCode)
                {
                    var error = await response.Content.ReadFromJsonAsync(ControlJson.Default.ErrorView, cancellation);
                    throw new BatonException(error?.Error ?? response.ReasonPhrase ?? "refused");
                }

                return await response.Content.ReadFromJsonAsync(type, cancellation) ?? throw new BatonException("The node's answer was empty.");
            }
            catch (HttpRequestException failure)
            {
                throw new BatonException($"No node answers at {_path} ({(failure.InnerException ?? failure).Message}).");
            }
        }
    }
}
