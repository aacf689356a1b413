using System.Text;
using Baton.Engine.Tests;
using Microsoft.AspNetCore.Hosting;

namespace Baton.Kestrel.Tests.Tls;

/// <summary>Clients that break the rules get the alert that RFC 8446 wants, are counted, and leave nothing behind.</summary>
public sealed class TlsRefusalTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: farm.test\r\n\r\n";

    private static readonly byte[] s_unexpectedMessage = [21, 3, 3, 0, 2, 2, 10];

    [Fact]
    public async Task Plain_http_to_the_port_of_TLS_is_answered_by_an_alert_and_a_close()
    {
        await using var server = await TlsServer.StartAsync();
        await using var client = await server.ConnectAsync();

        await client.WriteAsync(Encoding.ASCII.GetBytes(Get));

        Assert.Equal(s_unexpectedMessage, await ToEndAsync(client));
        await server.UntilCountedAsync("baton.tls.handshakes not_tls");
    }

    [Theory]
    [InlineData(new byte[] { 22, 3, 1, 0, 4, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 22, 3, 1, 0, 4, 2, 0, 0, 0 })]
    [InlineData(new byte[] { 22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3 })]
    public async Task A_handshake_that_breaks_its_form_is_answered_by_an_alert_and_a_close(byte[] hello)
    {
        await using var server = await TlsServer.StartAsync();
        await using var client = await server.ConnectAsync();

        await client.WriteAsync(hello);

        byte[] answer = await ToEndAsync(client);
        Assert.Equal(21, answer[0]);
        Assert.Equal(2, answer[5]);
        await server.UntilCountedAsync("baton.tls.handshakes failed");
    }

    [Fact]
    public async Task A_handshake_that_does_not_go_on_is_closed_after_its_time()
    {
        await using var server = await TlsServer.StartAsync(options => options.HandshakeTimeout = TimeSpan.FromMilliseconds(100));
        await using var client = await server.ConnectAsync();

        await client.WriteAsync(new byte[] { 22, 3, 1 });

        Assert.Empty(await ToEndAsync(client));
        await server.UntilCountedAsync("baton.tls.handshakes timeout");
    }

    [Fact]
    public async Task A_damaged_record_is_bad_record_mac_after_what_came_before_it_was_answered()
    {
        await using var server = await TlsServer.StartAsync();
        var below = new DamagingStream(await server.ConnectAsync());
        await using var tls = await TlsClients.HandshakeAsync(below);
        Assert.Contains("hello", await TlsClients.AskAsync(tls, Get, "\n\r\n0\r\n\r\n"));

        below.Damages = true;
        await tls.WriteAsync(Encoding.ASCII.GetBytes(Get));

        var failure = await Assert.ThrowsAnyAsync<IOException>(async () => await tls.ReadExactlyAsync(new byte[1], WebFarm.Patience()));
        Assert.Contains("mac", failure.ToString(), StringComparison.OrdinalIgnoreCase);
        await server.UntilCountedAsync("baton.tls.alerts out BadRecordMac");
    }

    [Fact]
    public async Task A_record_too_long_is_refused_before_it_is_there()
    {
        await using var server = await TlsServer.StartAsync();
        var below = await server.ConnectAsync();
        await using var tls = await TlsClients.HandshakeAsync(below);

        await below.WriteAsync(new byte[] { 23, 3, 3, 0x41, 1 });

        await Assert.ThrowsAnyAsync<IOException>(async () => await tls.ReadExactlyAsync(new byte[1], WebFarm.Patience()));
        await server.UntilCountedAsync("baton.tls.alerts out RecordOverflow");
    }

    [Fact]
    public async Task A_client_that_ends_without_a_close_is_counted()
    {
        await using var server = await TlsServer.StartAsync();
        var below = await server.ConnectAsync();
        await using var tls = await TlsClients.HandshakeAsync(below);

        below.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        await server.UntilCountedAsync("baton.tls.truncated");
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task After_clients_of_every_kind_no_endpoint_and_no_buffer_is_left()
    {
        var pool = new CountingPool();
        await using var farm = await WebFarm.StartAsync(
            1, TlsServer.Map, options => options.MemoryPoolFactory = () => pool, (listen, _) => listen.UseBatonTls(TestCertificates.Server));
        byte[] hello = [22, 3, 1, 0, 4, 1, 0, 0, 0];
        for (int round = 0; round < 10; round++)
        {
            foreach (byte[] first in (byte[][])[[], [22], hello, hello[..7], Encoding.ASCII.GetBytes(Get), [0x80, 0x2E, 1]])
            {
                using var client = await farm.ConnectAsync();
                await client.SendAsync(first);
                client.Socket.LingerState = new(round % 2 == 0, 0);
            }

            var below = new DamagingStream((await farm.ConnectAsync()).Stream);
            await using var tls = await TlsClients.HandshakeAsync(below);
            Assert.Contains("hello", await TlsClients.AskAsync(tls, Get, "\n\r\n0\r\n\r\n"));
            below.Damages = round % 2 == 0;
            await tls.WriteAsync(Encoding.ASCII.GetBytes(Get[..^1]));
        }

        await farm.UntilEndpointsAsync(1, 0);
        await pool.UntilNoneIsRentedAsync();
    }

    [Fact(Skip = KernelNetwork.RootOnly, SkipUnless = nameof(KernelNetwork.IsRoot), SkipType = typeof(KernelNetwork))]
    public async Task TLS_to_the_plain_port_is_answered_as_bad_http_and_closed()
    {
        await using var farm = await WebFarm.StartAsync(1, TlsServer.Map);
        using var client = await farm.ConnectAsync();

        await client.SendAsync((byte[])[22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3, .. new byte[94]]);

        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", await client.ToEndAsync());
        Assert.Empty(farm.Log.Lines);
    }

    private static async Task<byte[]> ToEndAsync(Stream stream)
    {
        var all = new MemoryStream();
        await stream.CopyToAsync(all, WebFarm.Patience());
        return all.ToArray();
    }

    /// <summary>Changes one bit of what is written.</summary>
    private sealed class DamagingStream(Stream inner) : DelegatingStream(inner)
    {
        public bool Damages { get; set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            byte[] copy = buffer.ToArray();
            copy[^1] ^= (byte)(Damages ? 1 : 0);
            return Inner.WriteAsync(copy, cancellationToken);
        }
    }
}
