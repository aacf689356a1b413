using Baton.Scenarios.Script;

namespace Baton.Scenarios.Tests;

/// <summary>The language, as packetdrill has it.</summary>
public sealed class ScriptReaderTests
{
    [Fact]
    public void A_segment_has_flags_numbers_window_and_options_in_order()
    {
        var packet = Assert.IsType<OutboundPacket>(One("+.1 > 80 > 1234 SWE. 1:11(10) ack 5 win 3 urg 9 <mss 1460,nop,TS val 7 ecr 8,sack 1:2 3:4>"));
        var segment = Assert.IsType<SegmentSpec>(packet.Packet);
        Assert.Equal("80 > 1234 SWE. 1:11(10) ack 5 win 3 urg 9 <mss 1460,nop,TS val 7 ecr 8,sack 1:2 3:4>", segment.ToString());
        Assert.Equal(new EventTime(TimeKind.Relative, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(100)), packet.Time);
    }

    [Theory]
    [InlineData("[ect0] . 1:1(0) ack 1")]
    [InlineData("[tos 0x10,flowlabel 0x5] . 1:1(0) ack 1")]
    [InlineData("[ttl 3] R 1:1(0)")]
    [InlineData("S.5 0:0(0) ack 1 <ECN e1b 1 ceb 2 e0b 3>")]
    [InlineData("SEWA 0:0(0) <FO,nop,nop>")]
    [InlineData("S. 0:0(0) ack 1 <FOEXP ABCD1234,md5 00112233445566778899AABBCCDDEEFF>")]
    [InlineData("PU. 1:11(10) ack 1 urg 4")]
    [InlineData("[ect1] udp 5 > 7 (100)")]
    [InlineData("icmp unreachable frag_needed mtu 1200 [1:1461(1460)]")]
    [InlineData("icmp unreachable port_unreachable [udp (100)]")]
    [InlineData("icmp echo_reply id 7")]
    public void Every_kind_of_packet_is_written_as_it_was_read(string packet) =>
        Assert.Equal(packet, Assert.IsType<OutboundPacket>(One("0 > " + packet)).Packet.ToString());

    [Fact]
    public void A_line_may_go_on_with_the_next() =>
        Assert.Equal("S 0:0(0) <mss 1000,nop,nop,sackOK>", Assert.IsType<OutboundPacket>(One("0 > S 0:0(0)\n   <mss 1000,nop,\n   nop,sackOK>")).Packet.ToString());

    [Fact]
    public void Without_a_list_there_are_no_options_and_with_dots_any()
    {
        Assert.Empty(((SegmentSpec)((OutboundPacket)One("0 > . 1:1(0) ack 1")).Packet).Options!);
        Assert.Null(((SegmentSpec)((OutboundPacket)One("0 > . 1:1(0) ack 1 <...>")).Packet).Options);
    }

    [Theory]
    [InlineData("2.5 close(3) = 0", TimeKind.Absolute, 2.5, 2.5)]
    [InlineData("+2 close(3) = 0", TimeKind.Relative, 2, 2)]
    [InlineData("* > . 1:1(0) ack 1", TimeKind.Any, 0, 0)]
    [InlineData("1~2 > . 1:1(0) ack 1", TimeKind.Absolute, 1, 2)]
    [InlineData("+.1~+.3 > . 1:1(0) ack 1", TimeKind.Relative, .1, .3)]
    public void Times_are_absolute_relative_ranges_or_any(string line, TimeKind kind, double offset, double latest) =>
        Assert.Equal(new EventTime(kind, TimeSpan.FromSeconds(offset), TimeSpan.FromSeconds(latest)), One(line).Time);

    [Fact]
    public void A_call_that_blocks_has_an_end()
    {
        var call = Assert.IsType<SocketCall>(One("+0...0.25 read(4, ..., 1000) = -1 ETIMEDOUT (Connection timed out)"));
        Assert.Equal((TimeSpan.FromMilliseconds(250), -1L, "ETIMEDOUT"), (call.End!.Value, call.Result, call.Error));
        Assert.Equal(["4", "...", "1000"], call.Arguments);
    }

    [Fact]
    public void Brackets_and_braces_keep_arguments_together()
    {
        var call = Assert.IsType<SocketCall>(One("0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0"));
        Assert.Equal("{onoff=1, linger=0}", call.Arguments[3]);
        Assert.Equal(0x802, Assert.IsType<SocketCall>(One("0 fcntl(4, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)")).Result);
    }

    [Fact]
    public void Comments_of_all_kinds_are_left_out()
    {
        var script = ScriptReader.Read("#!/usr/bin/env packetdrill\n/* one\n two */\n0 close(3) = 0 // three\n");
        Assert.Equal(4, Assert.Single(script.Events).Line);
    }

    [Fact]
    public void Defined_words_are_replaced() =>
        Assert.Equal("1234", Assert.IsType<SocketCall>(Assert.Single(ScriptReader.Read("--define=SIZE=1234\n0 read(4, ..., SIZE) = 0").Events)).Arguments[2]);

    [Theory]
    [InlineData("0 > . 1:11(9) ack 1", "sequence numbers and length do not agree")]
    [InlineData("0 < . 1:1(0) ack 1", "an inbound segment needs a window")]
    [InlineData("0 < . 1:1(0) ack 1 win 70000", "70000 is out of range")]
    [InlineData("0 < . 1:1(0) ack 1 win 1 <...>", "<...> can stand in outbound segments only")]
    [InlineData("0 > . 1:1(0) ack 1 <hello>", "no TCP option is called 'hello'")]
    [InlineData("0 > . 1:1(0) ack 1 rest", "'rest' behind a packet")]
    [InlineData("0 > . 1:1(0) ack 1 <FO abc>", "'abc' is not bytes in hexadecimal")]
    [InlineData("0 > . 1:1(0) ack 1 <ECN ceb 1>", "'ECN ceb' is not a list of counters")]
    [InlineData("0 > E.5 1:1(0) ack 1", "flags E, W and A are the bits of the ACE field: one or the other")]
    [InlineData("0 < [ect01] . 1:1(0) ack 1 win 1", "[ect01] can stand before outbound packets only")]
    [InlineData("2~1 > . 1:1(0) ack 1", "a range of time that goes backwards")]
    [InlineData("0 close(3", "a call without its closing bracket")]
    [InlineData("abc", "expected a time in seconds before 'abc'")]
    public void What_cannot_be_read_says_why(string line, string message)
    {
        var exception = Assert.Throws<ScriptSyntaxException>(() => ScriptReader.Read("\n" + line));
        Assert.Equal((2, "line 2: " + message), (exception.Line, exception.Message));
    }

    private static ScriptEvent One(string line) => Assert.Single(ScriptReader.Read(line).Events);
}
