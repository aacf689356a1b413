using System.Net.Security;

namespace Baton.Tls.Tests;

/// <summary>What is read of a client's first message.</summary>
public sealed class ClientHelloTests
{
    [Fact]
    public async Task The_hello_of_dot_nets_client_is_read_with_its_host_and_protocols()
    {
        var (outcome, hello) = Read(await HelloAsync("www.example.org", SslApplicationProtocol.Http2, SslApplicationProtocol.Http11));

        Assert.Equal(ClientHelloOutcome.Read, outcome);
        Assert.Equal("www.example.org", hello!.ServerName);
        Assert.Equal(["h2", "http/1.1"], hello.Protocols);
    }

    [Fact]
    public async Task A_hello_that_comes_byte_by_byte_is_incomplete_until_it_is_whole()
    {
        byte[] bytes = await HelloAsync("www.example.org");
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(ClientHelloOutcome.Incomplete, Read(bytes[..length]).Outcome);
        }

        Assert.Equal(ClientHelloOutcome.Read, Read([.. bytes, 1, 2, 3]).Outcome);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task A_hello_in_several_records_is_put_together(int part)
    {
        byte[] message = (await HelloAsync("www.example.org"))[RecordFormat.HeaderLength..];
        byte[] records = [.. message.Chunk(part).SelectMany(chunk => (byte[])[22, 3, 1, 0, (byte)chunk.Length, .. chunk])];

        Assert.Equal("www.example.org", Read(records).Hello?.ServerName);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n")]
    [InlineData("\0")]
    [InlineData("\u0016\u0002")]
    public void What_does_not_begin_a_handshake_is_said_to_be_no_TLS(string text) =>
        Assert.Equal(ClientHelloOutcome.NotTls, Read(System.Text.Encoding.Latin1.GetBytes(text)).Outcome);

    [Theory]
    [InlineData(new byte[] { 22, 3, 1, 0, 0 })] // an empty record
    [InlineData(new byte[] { 22, 3, 1, 0xFF, 0xFF })] // one too long
    [InlineData(new byte[] { 22, 3, 1, 0, 4, 2, 0, 0, 0 })] // another message
    [InlineData(new byte[] { 22, 3, 1, 0, 4, 1, 0, 0, 0 })] // one without a body
    [InlineData(new byte[] { 22, 3, 1, 0, 1, 1, 23 })] // another record between
    [InlineData(new byte[] { 22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF })] // longer than is looked at
    public void What_breaks_the_form_is_malformed(byte[] bytes) => Assert.Equal(ClientHelloOutcome.Malformed, Read(bytes).Outcome);

    [Fact]
    public async Task Whatever_is_changed_in_a_hello_there_is_an_outcome()
    {
        byte[] bytes = await HelloAsync("www.example.org", SslApplicationProtocol.Http11);
        var random = new Random(Seeds.Seed);
        var seen = new HashSet<ClientHelloOutcome>();
        for (int i = 0; i < 50_000; i++)
        {
            byte[] changed = bytes[..random.Next(1, bytes.Length + 1)];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            seen.Add(ClientHello.TryRead(changed, out var hello));
            Assert.True(hello is null || hello.ServerName?.All(c => c is >= '!' and <= '~') != false, Seeds.Replay);
        }

        Assert.Equal(4, seen.Count);
    }

    private static (ClientHelloOutcome Outcome, ClientHello? Hello) Read(byte[] bytes) => (ClientHello.TryRead(bytes, out var hello), hello);

    /// <summary>The first bytes that .NET's client sends.</summary>
    private static async Task<byte[]> HelloAsync(string host, params SslApplicationProtocol[] protocols)
    {
        var sent = new FirstWrite();
        await using var client = new SslStream(sent);
        await Assert.ThrowsAnyAsync<IOException>(() => client.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = host, ApplicationProtocols = [.. protocols] }, TestContext.Current.CancellationToken));
        return sent.ToArray();
    }

    /// <summary>Takes what is written and has nothing to read.</summary>
    private sealed class FirstWrite : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(0);
    }
}
