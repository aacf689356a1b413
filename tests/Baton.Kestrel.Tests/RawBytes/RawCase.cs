using System.Text;

namespace Baton.Kestrel.Tests.RawBytes;

/// <summary>How a case ends for the client.</summary>
internal enum CaseEnd
{
    /// <summary>It asks whether the connection still works: a request, a PING, a Ping.</summary>
    Probe,

    /// <summary>It closes its direction.</summary>
    Fin,
}

/// <summary>Bytes of a client, and what a server does about them.</summary>
/// <param name="Name">What is sent, for people; the test's name.</param>
/// <param name="Clause">The rule that it is about.</param>
/// <param name="Bytes">What the client sends.</param>
/// <param name="Expected">What it gets, in order, and whether the connection is open or closed in the end; <c>or</c> between outcomes that race.</param>
/// <param name="End">What the client sends behind it.</param>
/// <param name="Note">Where Kestrel does otherwise than the clause says: how.</param>
internal sealed record RawCase(string Name, string Clause, byte[] Bytes, string Expected, CaseEnd End = CaseEnd.Probe, string? Note = null)
{
    /// <summary>A case in the spelling of the tables, each character a byte.</summary>
    public RawCase(string name, string clause, string bytes, string expected, CaseEnd end = CaseEnd.Probe, string? note = null)
        : this(name, clause, Encoding.Latin1.GetBytes(bytes), expected, end, note)
    {
    }

    /// <summary>Whether the outcome does not depend on who is faster inside Kestrel.</summary>
    public bool IsCertain => !Expected.Contains(" or ", StringComparison.Ordinal);

    /// <summary>Fails unless this is what is expected.</summary>
    public void Check(string outcome) => Assert.Contains(outcome, Expected.Split(" or "));
}
