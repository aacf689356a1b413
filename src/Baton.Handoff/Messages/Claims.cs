namespace Baton.Handoff.Messages;

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
