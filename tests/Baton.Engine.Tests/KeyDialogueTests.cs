using System.Buffers.Binary;
using System.IO.Pipelines;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>How two members agree on a session, and what is refused.</summary>
public sealed class KeyDialogueTests
{
    private static readonly NodeId A = new(1);
    private static readonly NodeId B = new(2);

    [Fact]
    public async Task Both_have_the_same_session_and_the_responder_has_it_first()
    {
        var (atA, atB) = Pair();
        var adopted = new List<(NodeId Who, PeerSession Session)>();
        await Task.WhenAll(
            new KeyDialogue(A, 11, B).RunAsync(atA, initiates: true, s => Adopt(A, s), default),
            new KeyDialogue(B, 22, A).RunAsync(atB, initiates: false, s => Adopt(B, s), default));
        Assert.Equal([B, A], adopted.Select(one => one.Who));
        var (b, a) = (adopted[0].Session, adopted[1].Session);
        Assert.Equal(a.Id, b.Id);
        Assert.Equal((22ul, 11ul), (a.PeerIncarnation, b.PeerIncarnation));
        byte[] datagram = new byte[10 + DatagramSeal.Length];
        a.Datagrams.Seal(datagram, 10);
        Assert.True(b.Datagrams.IsAuthentic(datagram));

        Task Adopt(NodeId who, PeerSession session)
        {
            lock (adopted)
            {
                adopted.Add((who, session));
            }

            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task An_initiator_that_is_not_confirmed_has_no_session()
    {
        var (atA, atB) = Pair();
        bool adopted = false;
        var initiating = new KeyDialogue(A, 11, B).RunAsync(atA, initiates: true, _ => Task.FromResult(adopted = true), default);
        var message = await ReadAsync(atB);
        await atB.WriteAsync(Message(B, message.Session));
        await atB.DisposeAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => initiating);
        Assert.False(adopted);
    }

    [Fact]
    public async Task Another_major_version_is_refused_by_that_name()
    {
        byte[] message = Message(A, 1);
        message[KeyMessage.PrefixLength + 2]++;
        var refused = await RefusalAsync(message);
        Assert.Equal(PeerRefusal.Version, refused.Reason);
        Assert.Contains("run one release on all members", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_higher_minor_version_adds_is_skipped_and_a_message_of_this_one_has_its_exact_length()
    {
        byte[] message = Message(A, 1)[KeyMessage.PrefixLength..];
        byte[] longer = [.. message, 1, 2, 3];
        Assert.Equal(PeerRefusal.Malformed, KeyMessage.TryRead(longer, out _, out _));
        longer[3] = ProtocolVersion.Minor + 1;
        Assert.Null(KeyMessage.TryRead(longer, out var read, out _));
        Assert.Equal(A, read.Node);
        Assert.Equal(ProtocolVersion.Minor, ProtocolVersion.Common(read.Minor));

        byte[] hello = new byte[PeerFraming.HelloLength + 3];
        PeerFraming.WriteHello(hello, A, 7);
        Assert.Equal(DropReason.MessageMalformed, PeerFraming.ReadHello(hello, out _, out _));
        hello[1] = ProtocolVersion.Minor + 1;
        Assert.Equal(DropReason.None, PeerFraming.ReadHello(hello, out var node, out ulong incarnation));
        Assert.Equal((A, 7ul), (node, incarnation));
        hello[0]++;
        Assert.Equal(DropReason.MessageVersion, PeerFraming.ReadHello(hello, out _, out _));
    }

    [Fact]
    public async Task Who_calls_itself_other_than_its_certificate_is_refused() =>
        Assert.Equal(PeerRefusal.Malformed, (await RefusalAsync(Message(new NodeId(3), 1))).Reason);

    [Fact]
    public async Task A_message_longer_than_any_is_refused_before_it_is_read()
    {
        byte[] prefix = new byte[KeyMessage.PrefixLength];
        BinaryPrimitives.WriteUInt16BigEndian(prefix, KeyMessage.MaxLength + 1);
        Assert.Equal(PeerRefusal.Malformed, (await RefusalAsync(prefix)).Reason);
    }

    [Fact]
    public async Task A_responder_that_names_another_session_is_refused()
    {
        var (atA, atB) = Pair();
        var initiating = new KeyDialogue(A, 11, B).RunAsync(atA, initiates: true, _ => Task.CompletedTask, default);
        var message = await ReadAsync(atB);
        await atB.WriteAsync(Message(B, message.Session + 2));
        Assert.Equal(PeerRefusal.Malformed, (await Assert.ThrowsAsync<PeerRefusedException>(() => initiating)).Reason);
    }

    /// <summary>What node b says to somebody who authenticated as a and begins so.</summary>
    private static async Task<PeerRefusedException> RefusalAsync(byte[] first)
    {
        var (atA, atB) = Pair();
        await atA.WriteAsync(first);
        var responding = new KeyDialogue(B, 22, A).RunAsync(atB, initiates: false, _ => Task.CompletedTask, default);
        return await Assert.ThrowsAsync<PeerRefusedException>(() => responding);
    }

    private static byte[] Message(NodeId node, ulong session)
    {
        byte[] message = new byte[KeyMessage.PrefixLength + KeyMessage.Length];
        new KeyMessage(node, 1, session, ProtocolVersion.Minor).Write(message, new byte[PeerSession.SecretLength]);
        return message;
    }

    private static async Task<KeyMessage> ReadAsync(Stream stream)
    {
        byte[] bytes = new byte[KeyMessage.PrefixLength + KeyMessage.Length];
        await stream.ReadExactlyAsync(bytes);
        Assert.Null(KeyMessage.TryRead(bytes.AsSpan(KeyMessage.PrefixLength), out var message, out _));
        return message;
    }

    private static (Stream One, Stream Other) Pair()
    {
        var there = new Pipe();
        var back = new Pipe();
        return (new DuplexStream(back.Reader.AsStream(), there.Writer.AsStream()), new DuplexStream(there.Reader.AsStream(), back.Writer.AsStream()));
    }

    /// <summary>One stream to read and one to write.</summary>
    private sealed class DuplexStream(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            input.Dispose();
            output.Dispose();
            base.Dispose(disposing);
        }
    }
}
