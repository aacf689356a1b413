using System.Security.Cryptography;
using Baton.Samples;

namespace Baton.Node.Tests.Samples;

public sealed class GeneratedStreamTests
{
    [Fact]
    public void Any_part_is_the_same_as_in_the_whole()
    {
        var stream = new GeneratedStream(7);
        var whole = new byte[4096];
        stream.Fill(0, whole);
        var random = new Random(2);
        for (int i = 0; i < 1000; i++)
        {
            int at = random.Next(whole.Length);
            var part = new byte[random.Next(whole.Length - at + 1)];
            stream.Fill((ulong)at, part);
            Assert.True(whole.AsSpan(at, part.Length).SequenceEqual(part), $"{part.Length} bytes at {at}");
        }
    }

    [Fact]
    public void The_streams_first_mebibyte_is_known()
    {
        var bytes = new byte[1 << 20];
        new GeneratedStream(Dispatcher.StreamKey).Fill(0, bytes);
        Assert.Equal(KnownMebibyte, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    [Fact]
    public void Another_key_is_another_stream()
    {
        var one = new byte[64];
        var other = new byte[64];
        new GeneratedStream(1).Fill(0, one);
        new GeneratedStream(2).Fill(0, other);
        Assert.NotEqual(one, other);
    }

    private const string KnownMebibyte = "aa80ce2d8d76ab14776fb3287d71511425550c58785ed3132f4633b0e5f94ac1";
}
