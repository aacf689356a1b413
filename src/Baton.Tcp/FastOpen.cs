using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What became of TCP Fast Open in a connection's handshake (RFC 7413).</summary>
public enum FastOpenOutcome : byte
{
    /// <summary>Not used.</summary>
    None,

    /// <summary>A cookie was asked for.</summary>
    Asked,

    /// <summary>Text went with our SYN and is not acknowledged yet.</summary>
    Sent,

    /// <summary>The SYN's text was taken: the peer's by us, or ours by the peer.</summary>
    Accepted,

    /// <summary>The peer took our SYN and not its text, which went again after the handshake.</summary>
    Refused,

    /// <summary>Our SYN with a cookie or text had no answer and went again without: something on the path may drop such SYNs (§4.1.3.1).</summary>
    Unanswered,
}

/// <summary>TCP Fast Open in one handshake; only connections that use it have one.</summary>
internal sealed class FastOpen
{
    /// <summary>What our SYN or SYN-ACK carries; null: no option.</summary>
    [field: NotInSnapshot("of the handshake: only what is established moves")]
    public FastOpenCookie? Cookie { get; set; }

    /// <summary>Most text of our SYN, before options: the MSS that the peer announced before (§4.1.3).</summary>
    [field: NotInSnapshot("of the handshake: only what is established moves")]
    public int PeerMss { get; init; }

    /// <summary>What the peer gave for the next time.</summary>
    [field: NotInSnapshot("of the handshake: only what is established moves")]
    public FastOpenCookie? Granted { get; private set; }

    /// <summary>What became of it.</summary>
    [field: NotInSnapshot("of the handshake: only what is established moves")]
    public FastOpenOutcome Outcome { get; set; }

    /// <summary>Whether text may be sent although the handshake is open: the SYN brought our cookie (§4.2.2).</summary>
    [field: NotInSnapshot("of the handshake: only what is established moves")]
    public bool Opens { get; set; }

    /// <summary>Our SYN leaves: its option, and how much text it has room for.</summary>
    public int OnSyn(ref TcpOptions options, bool again, int ownMss)
    {
        if (again)
        {
            Outcome = Outcome is FastOpenOutcome.None ? Outcome : FastOpenOutcome.Unanswered;
            return 0;
        }

        (options.HasFastOpen, options.FastOpen) = (true, Cookie!.Value);
        Outcome = FastOpenOutcome.Asked;
        return Cookie.Value.Length == 0 ? 0 : Math.Max(0, Math.Min(PeerMss, ownMss) - options.Length);
    }

    /// <summary>The SYN-ACK came.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="textSent">Whether our SYN had text.</param>
    /// <param name="textTaken">Whether all of it is acknowledged.</param>
    public void OnSynAck(in TcpOptions options, bool textSent, bool textTaken)
    {
        Granted = options.HasFastOpen && options.FastOpen.Length > 0 ? options.FastOpen : null;
        if (textSent && Outcome != FastOpenOutcome.Unanswered)
        {
            Outcome = textTaken ? FastOpenOutcome.Accepted : FastOpenOutcome.Refused;
        }
    }
}
