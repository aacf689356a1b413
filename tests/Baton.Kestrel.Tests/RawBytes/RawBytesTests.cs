using Baton.Engine.Tests;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>
/// The same bytes over both transports: what comes back is what the tables say, and over the farm what it is over
/// sockets, also when the connection moves to another node in the middle of them.
/// </summary>
public sealed class RawBytesTests(RawServer server) : IClassFixture<RawServer>
{
    private static readonly Dictionary<string, RawCase> s_http11 = new[]
    {
        Http11Cases.RequestLines, Http11Cases.Targets, Http11Cases.Hosts, Http11Cases.Fields, Http11FramingCases.Lengths,
        Http11FramingCases.Codings, Http11FramingCases.Connections, Http11FramingCases.Ends, HandshakeCases.All,
    }.SelectMany(table => table).ToDictionary(one => one.Name);

    private static readonly Dictionary<string, RawCase> s_http2 = new[]
    {
        Http2Cases.Beginnings, Http2Cases.SettingsAndPings, Http2Cases.FrameRules,
        Http2RequestCases.Requests, Http2RequestCases.Compression, Http2RequestCases.FlowControl,
    }.SelectMany(table => table).ToDictionary(one => one.Name);

    private static readonly Dictionary<string, RawCase> s_webSocket = new[]
    {
        WebSocketCases.Frames, WebSocketCases.Messages, WebSocketCases.Closes, WebSocketCases.Utf8,
    }.SelectMany(table => table).ToDictionary(one => one.Name);

    public static TheoryData<string> Http11 => [.. s_http11.Keys];

    public static TheoryData<string> Http2 => [.. s_http2.Keys];

    public static TheoryData<string> WebSocket => [.. s_webSocket.Keys];

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [MemberData(nameof(Http11))]
    public async Task Http11_is_answered_as_the_table_says_and_byte_for_byte_as_over_sockets(string name)
    {
        var one = s_http11[name];

        var sockets = await server.Http11Async(one, Way.Sockets);
        var farm = await server.Http11Async(one, Way.Farm);
        var moved = await server.Http11Async(one, Way.Handoff);

        one.Check(sockets.Spelled);
        one.Check(farm.Spelled);
        one.Check(moved.Spelled);
        if (one.IsCertain)
        {
            Assert.Equal(sockets.Raw, farm.Raw);
            Assert.Equal(sockets.Raw, moved.Raw);
        }
    }

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [MemberData(nameof(Http2))]
    public async Task Http2_is_answered_as_the_table_says(string name)
    {
        var one = s_http2[name];

        string sockets = await server.Http2Async(one, Way.Sockets);
        string farm = await server.Http2Async(one, Way.Farm);

        one.Check(sockets);
        one.Check(farm);
    }

    [Theory(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    [MemberData(nameof(WebSocket))]
    public async Task A_WebSocket_is_answered_as_the_table_says(string name)
    {
        var one = s_webSocket[name];

        string sockets = await server.WebSocketAsync(one, Way.Sockets);
        string farm = await server.WebSocketAsync(one, Way.Farm);
        string moved = await server.WebSocketAsync(one, Way.Handoff);

        one.Check(sockets);
        one.Check(farm);
        one.Check(moved);
    }
}
