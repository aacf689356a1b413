using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>What every message about the home role begins with: version and kind. Strict: a message has exactly the bytes of its kind.</summary>
internal static class HomeMessage
{
    public const byte Version = 1;

    public const int HeaderLength = 2;

    /// <summary>Far beyond any that is reached one by one, and far from where the number would begin anew.</summary>
    public const ulong MaxIncarnation = 1UL << 48;

    public static byte[] Allocate(HomeMessageKind kind, int bodyLength, out MessageWriter body)
    {
        var message = new byte[HeaderLength + bodyLength];
        message[0] = Version;
        message[1] = (byte)kind;
        body = new MessageWriter(message.AsSpan(HeaderLength));
        return message;
    }

    public static DropReason TryRead(ReadOnlySpan<byte> message, out HomeMessageKind kind, out MessageReader body)
    {
        kind = default;
        body = default;
        if (message.Length < HeaderLength || message.Length > HandoffLimits.MaxMessageBytes)
        {
            return DropReason.MessageMalformed;
        }

        if (message[0] != Version)
        {
            return DropReason.MessageVersion;
        }

        kind = (HomeMessageKind)message[1];
        body = new MessageReader(message[HeaderLength..]);
        return kind is >= HomeMessageKind.Claims and <= HomeMessageKind.Vote ? DropReason.None : DropReason.MessageMalformed;
    }

    /// <summary>A message that names one address, incarnation and node: DECLINE, TAKEBACK.</summary>
    public static byte[] WriteClaim(HomeMessageKind kind, in HomeClaim claim)
    {
        var message = Allocate(kind, ClaimLength(claim), out var body);
        Write(ref body, claim);
        body.End();
        return message;
    }

    /// <summary>VOTEREQUEST: number and node; VOTE: number, node and answer.</summary>
    public static byte[] WriteVote(HomeMessageKind kind, ulong number, NodeId home, bool silent)
    {
        var message = Allocate(kind, 8 + 2 + 1, out var body);
        body.UInt64(number);
        body.UInt16(home.Value);
        body.Flag(silent);
        body.End();
        return message;
    }

    public static bool TryReadVote(MessageReader body, out ulong number, out NodeId home, out bool silent)
    {
        number = body.UInt64();
        home = body.Node();
        silent = body.Flag();
        return body.IsExact;
    }

    public static byte[] WriteNumber(HomeMessageKind kind, ulong number)
    {
        var message = Allocate(kind, 8, out var body);
        body.UInt64(number);
        body.End();
        return message;
    }

    public static bool TryReadNumber(MessageReader body, out ulong number)
    {
        number = body.UInt64();
        return body.IsExact;
    }

    public static int ClaimLength(in HomeClaim claim) => 1 + claim.Address.Length + 2 + 8;

    public static void Write(ref MessageWriter body, in HomeClaim claim)
    {
        body.Address(claim.Address);
        body.UInt16(claim.Home.Value);
        body.UInt64(claim.Incarnation.Value);
    }

    public static HomeClaim ReadClaim(ref MessageReader body)
    {
        var claim = new HomeClaim(body.Address(), body.Node(), new HomeIncarnation(body.UInt64()));
        if (claim.Incarnation.Value is 0 or > MaxIncarnation)
        {
            body.Fail();
        }

        return claim;
    }
}
