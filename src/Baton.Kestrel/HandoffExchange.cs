using Baton.Kestrel.Hubs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.SignalR;

namespace Baton.Kestrel;

/// <summary>One request and its response, and what becomes of them when the connection is to move.</summary>
internal sealed class HandoffExchange : IHandoffFeature
{
    private readonly BatonConnection _connection;
    private HttpContext _context = null!;
    private bool _isWebSocket;

    public HandoffExchange(BatonConnection connection) => _connection = connection;

    /// <inheritdoc/>
    public CancellationToken Requested => _connection.Connection.MoveRequested;

    /// <inheritdoc/>
    public bool Resumed { get; private set; }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> State { get; set; }

    /// <summary>The message by which the client of a hub has opened its connection.</summary>
    public ReadOnlyMemory<byte> Opening { get; set; }

    /// <summary>Whether the connection's input has ended, so that it leaves.</summary>
    public bool Leaves => _connection.Input.IsParked;

    /// <summary>Calls of a hub under way; while there are some, the connection does not move.</summary>
    public HubCalls TrackCalls()
    {
        var calls = new HubCalls(_connection.Input.Wake);
        _connection.Input.LeaveOnlyIf(() => calls.IsIdle);
        return calls;
    }

    /// <summary>What was begun at another node cannot go on here.</summary>
    public void Fail(string why) => _connection.Fail(why);

    /// <inheritdoc/>
    public async Task ContinueElsewhereAsync(ReadOnlyMemory<byte> state)
    {
        var response = _context.Response;
        if (!Requested.IsCancellationRequested)
        {
            throw new InvalidOperationException("No move was requested.");
        }

        if (!response.HasStarted)
        {
            throw new InvalidOperationException("The response has not started: the request can simply be answered here.");
        }

        if (_context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            throw new InvalidOperationException("The request has a body, which is not kept for the next node.");
        }

        var head = _connection.Input.Head;
        if (head.IsEmpty || !HttpProtocol.IsHttp11(_context.Request.Protocol))
        {
            throw new InvalidOperationException("The request's head is not kept: it is too long, or not of HTTP/1.1.");
        }

        await response.Body.FlushAsync();
        _connection.Carried = new CarriedExchange(
            ExchangeKind.Response, response.StatusCode, response.ContentLength is null, head.ToArray(), state);
        _connection.Output.DropAll();
    }

    /// <summary>Begins with the connection's next request: a connection has one exchange at a time, and one object for all.</summary>
    public void Begin(HttpContext context)
    {
        _context = context;
        _isWebSocket = false;
        var resumed = _connection.TakeResumed();
        Resumed = resumed is not null;
        State = resumed?.State ?? default;
        Opening = resumed?.Opening ?? default;
    }

    /// <summary>The handler upgrades the connection.</summary>
    public void OnUpgrade()
    {
        var input = _connection.Input;
        bool isWebSocket = string.Equals(_context.Request.Headers.Upgrade, "websocket", StringComparison.OrdinalIgnoreCase);

        // A hub's server has groups and items of its connection, which are at no other node, unless the application says
        // that it can do without.
        var hub = _context.GetEndpoint()?.Metadata;
        bool isHub = hub?.GetMetadata<HubMetadata>() is not null, moves = hub?.GetMetadata<MovingHub>() is not null;
        if (Resumed && !Opening.IsEmpty && !moves)
        {
            Fail("the hub is mapped without handoff here");
        }

        if (isWebSocket && isHub == moves && !input.Head.IsEmpty && KeepsNoCompressionContext(_context.Response.Headers.SecWebSocketExtensions.ToString()))
        {
            _isWebSocket = true;
            input.BeginWebSocket();
            _connection.Output.BeginWebSocket();
        }
        else
        {
            input.BeginOpaque();
        }
    }

    /// <summary>The handler has ended.</summary>
    public void OnHandlerEnded()
    {
        if (_isWebSocket && _connection.Input.IsParked)
        {
            _connection.Carried = new CarriedExchange(
                ExchangeKind.WebSocket, StatusCodes.Status101SwitchingProtocols, false, _connection.Input.Head.ToArray(), State, Opening);
        }
    }

    // RFC 7692 §7.1.1: with context takeover a message cannot be understood without those before it.
    private static bool KeepsNoCompressionContext(string extensions) =>
        !extensions.Contains("permessage-deflate", StringComparison.OrdinalIgnoreCase)
        || (extensions.Contains("server_no_context_takeover", StringComparison.OrdinalIgnoreCase)
            && extensions.Contains("client_no_context_takeover", StringComparison.OrdinalIgnoreCase));
}
