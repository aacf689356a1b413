using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>The second byte of every message about the home role. Values never change their meaning within a version.</summary>
internal enum HomeMessageKind : byte
{
    Claims = 1,
    List = 2,
    ListAck = 3,
    Gone = 4,
    Decline = 5,
    TakeBack = 6,
    VoteRequest = 7,
    Vote = 8,
}

/// <summary>What every message about the home role begins with: version and kind. Strict: a message has exactly the bytes of its kind.</summary>
internal static class HomeMessage
{
    public const byte Version = 1;

    public const int HeaderLength = 2;

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

    public static HomeClaim ReadClaim(ref MessageReader body) =>
        new(body.Address(), body.Node(), new HomeIncarnation(body.UInt64()));
}

/// <summary>A node tells who is home of which address, as far as it knows. The first on each channel, and again with each change.</summary>
internal static class Claims
{
    public static byte[] Write(IReadOnlyList<(HomeClaim Claim, bool Serving)> claims)
    {
        int length = 2;
        foreach (var (claim, _) in claims)
        {
            length += HomeMessage.ClaimLength(claim) + 1;
        }

        var message = HomeMessage.Allocate(HomeMessageKind.Claims, length, out var body);
        body.UInt16((ushort)claims.Count);
        foreach (var (claim, serving) in claims)
        {
            HomeMessage.Write(ref body, claim);
            body.Flag(serving);
        }

        body.End();
        return message;
    }

    public static bool TryRead(MessageReader body, List<(HomeClaim Claim, bool Serving)> claims)
    {
        int count = body.UInt16();
        for (int i = 0; i < count && !body.HasFailed; i++)
        {
            claims.Add((HomeMessage.ReadClaim(ref body), body.Flag()));
        }

        return body.IsExact;
    }
}

/// <summary>
/// A part of a list: an owner's endpoints behind its home's addresses, or (a directory) a home's entries of one address for
/// the next home. The first part names the claims that the list is for.
/// </summary>
internal static class ListPart
{
    private const byte FirstFlag = 1;
    private const byte LastFlag = 2;
    private const byte DirectoryFlag = 4;

    // Flow: protocol, family, two addresses, two ports; owner, epoch, phase, handoff; the reference's length.
    private const int ItemFixedLength = 1 + 1 + 2 + 2 + 2 + 4 + 1 + 8 + 1;

    /// <summary>The parts of a list, in order.</summary>
    public static IEnumerable<byte[]> Write(
        ulong number, bool directory, IReadOnlyList<HomeClaim> claims, IReadOnlyList<Announcement> items)
    {
        int at = 0;
        bool first = true;
        do
        {
            int length = 8 + 1 + 2 + 2 + (first ? claims.Sum(claim => HomeMessage.ClaimLength(claim)) : 0);
            int from = at;
            while (at < items.Count && length + ItemLength(items[at]) <= HandoffLimits.ChunkBytes)
            {
                length += ItemLength(items[at++]);
            }

            yield return Part(number, directory, first, first ? claims : [], items, from, at, length);
            first = false;
        }
        while (at < items.Count);
    }

    public static bool TryRead(MessageReader body, out Header header, List<HomeClaim> claims, List<Announcement> items)
    {
        ulong number = body.UInt64();
        byte flags = body.Byte();
        header = new(number, (flags & FirstFlag) != 0, (flags & LastFlag) != 0, (flags & DirectoryFlag) != 0);
        int claimCount = body.UInt16();
        int itemCount = body.UInt16();
        for (int i = 0; i < claimCount && !body.HasFailed; i++)
        {
            claims.Add(HomeMessage.ReadClaim(ref body));
        }

        for (int i = 0; i < itemCount && !body.HasFailed; i++)
        {
            items.Add(ReadItem(ref body));
        }

        return body.IsExact
            && (flags & ~(FirstFlag | LastFlag | DirectoryFlag)) == 0
            && (claimCount > 0) == header.IsFirst
            && (!header.IsDirectory || !header.IsFirst || claimCount == 1);
    }

    private static byte[] Part(
        ulong number, bool directory, bool first, IReadOnlyList<HomeClaim> claims, IReadOnlyList<Announcement> items, int from, int to, int length)
    {
        var message = HomeMessage.Allocate(HomeMessageKind.List, length, out var body);
        body.UInt64(number);
        body.Byte((byte)((first ? FirstFlag : 0) | (to == items.Count ? LastFlag : 0) | (directory ? DirectoryFlag : 0)));
        body.UInt16((ushort)claims.Count);
        body.UInt16((ushort)(to - from));
        foreach (var claim in claims)
        {
            HomeMessage.Write(ref body, claim);
        }

        for (int i = from; i < to; i++)
        {
            WriteItem(ref body, items[i]);
        }

        body.End();
        return message;
    }

    private static int ItemLength(in Announcement item) =>
        ItemFixedLength + 2 * item.Flow.Tuple.LocalAddress.Length + item.Reference.Length;

    private static void WriteItem(ref MessageWriter body, in Announcement item)
    {
        body.Flow(item.Flow);
        body.UInt16(item.Owner.Value);
        body.UInt32(item.Epoch.Value);
        body.Byte((byte)item.Phase);
        body.UInt64(item.Handoff.Value);
        body.Reference(item.Reference);
    }

    private static Announcement ReadItem(ref MessageReader body)
    {
        var flow = body.Flow();
        var owner = body.Node();
        var epoch = new Epoch(body.UInt32());
        byte phase = body.Byte();
        var handoff = new HandoffId(body.UInt64());
        var reference = body.Reference();
        if (epoch.Value == 0 || phase is < (byte)AnnouncedPhase.Active or > (byte)AnnouncedPhase.Ready || reference.Length == 0)
        {
            body.Fail();
        }

        return new(flow, owner, epoch, (AnnouncedPhase)phase, handoff, reference);
    }

    public readonly record struct Header(ulong Number, bool IsFirst, bool IsLast, bool IsDirectory);
}

/// <summary>H→owner: there is no entry of this flow that names the endpoint.</summary>
internal static class GoneMessage
{
    public static byte[] Write(in Flow flow, EndpointId endpoint)
    {
        var message = HomeMessage.Allocate(HomeMessageKind.Gone, 6 + 2 * flow.Tuple.LocalAddress.Length + 8, out var body);
        body.Flow(flow);
        body.UInt64(endpoint.Value);
        body.End();
        return message;
    }

    public static bool TryRead(MessageReader body, out Flow flow, out EndpointId endpoint)
    {
        flow = body.Flow();
        endpoint = new EndpointId(body.UInt64());
        return body.IsExact;
    }
}
