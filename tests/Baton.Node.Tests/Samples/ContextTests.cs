using System.Text;
using Baton.Samples;

namespace Baton.Node.Tests.Samples;

public sealed class ContextTests
{
    [Fact]
    public void The_streamers_context_survives_its_journey()
    {
        var context = new StreamContext(1, 2, ulong.MaxValue);
        Assert.True(StreamContext.TryDecode(context.Encode(), out var decoded));
        Assert.Equal(context, decoded);
    }

    [Fact]
    public void A_position_behind_the_end_is_refused() =>
        Assert.False(StreamContext.TryDecode(new StreamContext(1, 3, 2).Encode(), out _));

    [Fact]
    public void The_receivers_context_survives_its_journey()
    {
        var hash = new Sha256State();
        hash.Append("some bytes"u8);
        var decoded = ReceiverContext.Decode(new ReceiverContext(hash, 77).Encode());
        Assert.NotNull(decoded);
        Assert.Equal(77ul, decoded.Remaining);
        Assert.Equal(hash.Digest(), decoded.Hash.Digest());
    }

    [Fact]
    public void No_bytes_are_no_context()
    {
        Assert.False(StreamContext.TryDecode([], out _));
        Assert.Null(ReceiverContext.Decode([]));
    }

    [Fact]
    public void A_request_head_is_read()
    {
        var head = HttpHead.Parse(Encoding.ASCII.GetBytes("PUT /upload/x HTTP/1.1\r\nHost: h\r\ncontent-length: 12\r\nExpect: 100-continue\r\n\r\n"));
        Assert.Equal(new HttpHead("PUT", "/upload/x", 12, true, 77), head);
    }

    [Theory]
    [InlineData("GET /\r\n\r\n")]
    [InlineData("GET / HTTP/2\r\n\r\n")]
    [InlineData("PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    public void What_is_no_request_head_is_refused(string text) => Assert.Null(HttpHead.Parse(Encoding.ASCII.GetBytes(text)));
}
