namespace Baton.Kestrel.Tests;

/// <summary>The server's settings of HTTP/2, as the farm's transport passes them on.</summary>
public sealed class Http2SettingsTests
{
    private static readonly byte[] s_written =
    [
        0, 0, 18, 4, 0, 0, 0, 0, 0,
        0, 3, 0, 0, 0, 100,
        0, 8, 0, 0, 0, 1,
        0, 4, 0, 8, 0, 8,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(9)]
    [InlineData(27)]
    public void Websockets_over_http_2_are_not_offered_however_the_frame_was_cut(int piece)
    {
        byte[] bytes = [.. s_written];
        var settings = new Http2Settings();
        for (int at = 0; at < bytes.Length; at += piece)
        {
            int length = Math.Min(piece, bytes.Length - at);
            Assert.Equal(at + length == bytes.Length, settings.Filter(bytes.AsSpan(at, length)));
        }

        byte[] expected = [.. s_written];
        expected[20] = 0;
        Assert.Equal(expected, bytes);
    }

    [Fact]
    public void What_follows_the_frame_and_a_frame_without_settings_stay_as_they_are()
    {
        byte[] bytes = [.. s_written, 0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1];
        Assert.True(new Http2Settings().Filter(bytes));
        Assert.Equal(1, bytes[^1]);

        Assert.True(new Http2Settings().Filter(new byte[9]));
    }
}
