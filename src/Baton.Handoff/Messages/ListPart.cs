using Baton.Wire;

namespace Baton.Handoff.Messages;

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
        bool sound = ReferenceCodec.TryDecode(reference.Span, out var named, out _, out _, out int length) == DropReason.None
            && length == reference.Length
            && named.Flow == flow;
        if (!sound || epoch.Value == 0 || phase is < (byte)AnnouncedPhase.Active or > (byte)AnnouncedPhase.Ready)
        {
            body.Fail();
        }

        return new(flow, owner, epoch, (AnnouncedPhase)phase, handoff, reference);
    }

    public readonly record struct Header(ulong Number, bool IsFirst, bool IsLast, bool IsDirectory);
}
