using System.Buffers.Binary;
using Baton.Membership;
using Baton.Simulation;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>R36 at the members' ports: who has no keys, or only a recording, has no effect.</summary>
public sealed class IntruderTests : IDisposable
{
    private readonly Farm _farm = new Farm(new FarmSettings { Sealed = true }).Connect();
    private readonly List<byte> _fromAToB = [];
    private readonly List<byte[]> _loadFromA = [];

    public IntruderTests()
    {
        // What a says to b from now on; the beginning of their channel is what a new one of a's makes.
        _farm.Lan.Observer = (from, _, frame) =>
        {
            if (from != _farm["a"].LanLink || IpPacket.TryParse(frame[EthernetHeader.Length..], out var packet) != DropReason.None || packet.Destination != Farm.LanAddress(2))
            {
                return;
            }

            var bytes = frame[EthernetHeader.Length..];
            if (packet is { HasPorts: true, Protocol: IpProtocol.Tcp, DestinationPort: PeerChannels.Port })
            {
                _fromAToB.AddRange(bytes[(packet.HeaderLength + ((bytes[packet.HeaderLength + 12] >> 4) * 4))..packet.TotalLength]);
            }
            else if (packet is { HasPorts: true, Protocol: IpProtocol.Udp, DestinationPort: LoadDatagram.Port })
            {
                _loadFromA.Add(bytes[..packet.TotalLength].ToArray());
            }
        };
        _farm["a"].Crash();
        _farm["a"].Restart();
        _fromAToB.Clear();
        _farm.RunUntil(() => _farm["b"].Shard.IsChannelUp(_farm["a"].Id) && _farm["a"].Shard.IsChannelUp(_farm["b"].Id), TimeSpan.FromSeconds(1));
        _farm.RunFor(TimeSpan.FromSeconds(1));
    }

    private FarmNode B => _farm["b"];

    public void Dispose() => _farm.Dispose();

    [Fact]
    public void Who_speaks_as_nodes_without_keys_do_is_not_accepted()
    {
        byte[] hello = new byte[PeerFraming.HeaderLength + PeerFraming.HelloLength];
        PeerFraming.WriteHeader(hello, PeerMessageKind.Hello, PeerFraming.HelloLength);
        PeerFraming.WriteHello(hello.AsSpan(PeerFraming.HeaderLength), _farm["a"].Id, 99);
        var endpoint = AtTheAddressOfA().Say(Farm.LanAddress(2), PeerChannels.Port, hello);
        AssertRefused(endpoint, DropReason.MessageMalformed);
    }

    [Fact]
    public void Who_names_a_session_that_nobody_agreed_on_is_not_accepted()
    {
        byte[] preface = new byte[100];
        ArrivingChannel.WritePreface(preface, 0x1234_5678);
        AssertRefused(AtTheAddressOfA().Say(Farm.LanAddress(2), PeerChannels.Port, preface), DropReason.MessageUnauthentic);
    }

    [Fact]
    public void A_recorded_channel_played_again_is_not_accepted()
    {
        Assert.True(_fromAToB.Count > ArrivingChannel.PrefaceLength + PeerFraming.HelloLength);
        AssertRefused(AtTheAddressOfA().Say(Farm.LanAddress(2), PeerChannels.Port, [.. _fromAToB]), DropReason.MessageUnauthentic);
    }

    [Fact]
    public void A_session_that_waits_for_its_channel_is_not_opened_by_who_has_not_its_key()
    {
        // b has a session with a of which no channel was made: as if a had died in between.
        byte[] secret = new byte[PeerSession.SecretLength];
        var intruder = AtTheAddressOfA();
        B.Shard.Sessions!.OnAgreed(_farm["a"].Id, new PeerSession(77, 3, secret, secret), initiated: false);
        byte[] said = new byte[ArrivingChannel.PrefaceLength + 100];
        ArrivingChannel.WritePreface(said, 77);
        BinaryPrimitives.WriteUInt16BigEndian(said.AsSpan(ArrivingChannel.PrefaceLength), 50);
        AssertRefused(intruder.Say(Farm.LanAddress(2), PeerChannels.Port, said), DropReason.MessageUnauthentic);

        // Its owner still can.
        using var keys = new PeerSession(77, 2, secret, secret).ChannelSender();
        byte[] record = new byte[SealedOutput.MaxRecord];
        PeerFraming.WriteHeader(record.AsSpan(SealedOutput.HeaderLength), PeerMessageKind.Hello, PeerFraming.HelloLength);
        PeerFraming.WriteHello(record.AsSpan(SealedOutput.HeaderLength + PeerFraming.HeaderLength), _farm["a"].Id, 3);
        int length = SealedOutput.Seal(keys, record, PeerFraming.HeaderLength + PeerFraming.HelloLength);
        intruder.Say(Farm.LanAddress(2), PeerChannels.Port, [.. said.AsSpan(0, ArrivingChannel.PrefaceLength), .. record.AsSpan(0, length)]);
        Assert.True(B.Shard.IsChannelUp(_farm["a"].Id));
    }

    [Fact]
    public void Connections_that_say_nothing_are_bounded_and_given_up()
    {
        var intruder = AtTheAddressOfA();
        var silent = Enumerable.Range(0, 5).Select(_ => intruder.Say(Farm.LanAddress(2), PeerChannels.Port, [])).ToArray();
        Assert.Equal(1, B.Shard.Channels.Arriving);
        Assert.Equal(4, silent.Count(endpoint => endpoint.Phase == EndpointPhase.Closed));
        _farm.RunFor(TimeSpan.FromSeconds(6));
        Assert.Equal(0, B.Shard.Channels.Arriving);
        Assert.All(silent, endpoint => Assert.Equal(EndpointPhase.Closed, endpoint.Phase));
    }

    [Theory]
    [InlineData(PeerChannels.Port)]
    [InlineData(StreamKeyAgreement.Port)]
    public void Who_has_no_members_address_gets_no_answer(ushort port)
    {
        var intruder = new LanIntruder(_farm, InetAddress.Parse("192.0.2.77"));
        intruder.Say(Farm.LanAddress(2), port, [1]);
        Assert.Equal(0, intruder.Answers);
        Assert.True(B.Shard.Counters().Drops[nameof(DropReason.NotMember)] >= 1);
    }

    [Fact]
    public void Load_datagrams_that_are_played_again_altered_or_unsealed_change_nothing()
    {
        var intruder = new LanIntruder(_farm, InetAddress.Parse("192.0.2.77"));
        byte[] genuine = _loadFromA[^1];
        B.Shard.Exchange.View.TryFind(_farm["a"].Id, out var before);
        int at = Ipv4Header.Length + UdpHeader.Length;
        foreach (int bit in Enumerable.Range(0, (genuine.Length - at) * 8).Where(bit => bit % 7 == 0))
        {
            byte[] altered = WithoutChecksum(genuine);
            altered[at + (bit / 8)] ^= (byte)(1 << (bit % 8));
            intruder.Send(B, altered);
        }

        // A draining a of a later start, as nodes without keys would say it.
        byte[] unsealed = WithoutChecksum(genuine)[..(at + LoadDatagram.Length)];
        Ipv4Header.Write(unsealed, Farm.LanAddress(1), Farm.LanAddress(2), IpProtocol.Udp, unsealed.Length);
        new UdpHeader(LoadDatagram.Port, LoadDatagram.Port, (ushort)(unsealed.Length - Ipv4Header.Length), 0).Write(unsealed.AsSpan(Ipv4Header.Length));
        new LoadDatagram(new MemberState(_farm["a"].Id, 1000, 0, 0, 0, Draining: true, 1), 1).Write(unsealed.AsSpan(at));
        intruder.Send(B, unsealed);
        intruder.Send(B, WithoutChecksum(_loadFromA[^2]));
        _farm.RunFor(TimeSpan.FromMilliseconds(1));

        B.Shard.Exchange.View.TryFind(_farm["a"].Id, out var after);
        Assert.Equal(before, after);
        var drops = B.Shard.Counters().Drops;
        Assert.True(drops[nameof(DropReason.MessageUnauthentic)] > 90);
        Assert.True(drops[nameof(DropReason.MessageStale)] > 0);
    }

    private static byte[] WithoutChecksum(byte[] packet)
    {
        byte[] copy = [.. packet];
        copy.AsSpan(Ipv4Header.Length + UdpHeader.ChecksumOffset, 2).Clear();
        return copy;
    }

    /// <summary>a is off, and somebody has its address.</summary>
    private LanIntruder AtTheAddressOfA()
    {
        _farm["a"].Crash();
        _farm.RunUntil(() => !B.Shard.IsChannelUp(_farm["a"].Id), TimeSpan.FromSeconds(30));
        return new LanIntruder(_farm, Farm.LanAddress(1));
    }

    private void AssertRefused(TcpEndpoint endpoint, DropReason reason)
    {
        Assert.False(B.Shard.IsChannelUp(_farm["a"].Id));
        Assert.Equal(1, B.Shard.Counters().Drops[reason.ToString()]);
        Assert.Equal(0, B.Shard.Channels.Arriving);
        Assert.Equal(EndpointPhase.Closed, endpoint.Phase);
    }
}
