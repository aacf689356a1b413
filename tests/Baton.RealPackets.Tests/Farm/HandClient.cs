using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>A TCP client by hand on a station: it does what the test says and nothing else, without any option.</summary>
internal sealed class HandClient(Station station, RealNode home, ushort port, ushort ownPort)
{
    private static readonly SeqNum s_initial = new(5_000_000);

    public Flow Flow { get; } = new(IpProtocol.Tcp, new FourTuple(home.ServiceAddress, port, station.Address, ownPort));

    /// <summary>The next byte's sequence number.</summary>
    public SeqNum Next { get; private set; } = s_initial;

    /// <summary>What it acknowledges.</summary>
    public SeqNum Acknowledged { get; private set; }

    /// <summary>The three-way handshake.</summary>
    public async Task ConnectAsync()
    {
        Send(TcpFlags.Syn, Next, default);
        var answer = await station.WaitForAsync(p => p.Has(TcpFlags.Syn | TcpFlags.Ack) && p.Ip.FlowAtSource() == Flow);
        Next += 1;
        Acknowledged = answer.Tcp.Sequence + 1;
        Send(TcpFlags.Ack, Next, default);
    }

    /// <summary>Sends bytes to the home, as a client does.</summary>
    public void SendLine(string text)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(text + "\n");
        Send(TcpFlags.Ack | TcpFlags.Psh, Next, bytes);
        Next += bytes.Length;
    }

    /// <summary>Waits for an answer, and acknowledges it.</summary>
    public async Task<string> AnswerAsync()
    {
        var answer = await station.WaitForAsync(p => p.IsTcp && p.Payload.Length > 0 && p.Ip.FlowAtSource() == Flow && p.Tcp.Sequence == Acknowledged);
        Acknowledged = answer.End();
        Send(TcpFlags.Ack, Next, default);
        return System.Text.Encoding.ASCII.GetString(answer.Payload).TrimEnd();
    }

    /// <summary>Closes after the farm has: with the ACK of its FIN, or before it knows of that, as if both had closed at once.</summary>
    /// <returns>The number of its own FIN, and the one behind the farm's.</returns>
    public async Task<(SeqNum Fin, SeqNum FarmsEnd)> CloseAsync(bool atOnce)
    {
        var theirs = await station.WaitForAsync(p => p.Has(TcpFlags.Fin) && p.Ip.FlowAtSource() == Flow);
        var fin = Next;
        Next += 1;
        if (!atOnce)
        {
            Acknowledged = theirs.End();
        }

        Send(TcpFlags.Fin | TcpFlags.Ack, fin, default);
        await station.WaitForAsync(p => p.IsTcp && p.Ip.FlowAtSource() == Flow && p.Tcp.Acknowledgment == Next);
        if (atOnce)
        {
            Acknowledged = theirs.End();
            Send(TcpFlags.Ack, Next, default);
        }

        return (fin, theirs.End());
    }

    /// <summary>The IP packet that would carry the next bytes; they count as sent when <paramref name="sent"/>.</summary>
    public byte[] NextPacket(string text, bool sent = false)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(text + "\n");
        byte[] frame = Frames.Tcp(station.Mac, home.FrontMac, station.Address, home.ServiceAddress, Header(TcpFlags.Ack | TcpFlags.Psh, Next), bytes);
        Next += sent ? bytes.Length : 0;
        return frame[EthernetHeader.Length..];
    }

    public void Send(TcpFlags flags, SeqNum sequence, ReadOnlySpan<byte> payload) =>
        station.SendTcp(home.FrontMac, home.ServiceAddress, Header(flags, sequence), payload);

    private TcpHeader Header(TcpFlags flags, SeqNum sequence) => new()
    {
        SourcePort = ownPort,
        DestinationPort = port,
        Sequence = sequence,
        Acknowledgment = Acknowledged,
        Flags = flags,
        Window = 65535,
    };
}
