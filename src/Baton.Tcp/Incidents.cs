using Baton.Wire;

namespace Baton.Tcp;

/// <summary>What few connections ever need, made for the first such thing.</summary>
internal sealed class Incidents
{
    /// <summary>The counts; segments and bytes are the connection's.</summary>
    [NotInSnapshot("counters of this owner")]
    public TcpCounters Counts;

    /// <summary>The search for the path's MTU after a black hole; null: none was found.</summary>
    [NotInSnapshot("its parts are listed at PathSearch")]
    public PathSearch? Search;

    /// <summary>A RST that is due: an answer to one segment, or the end.</summary>
    [NotInSnapshot("an answer to one segment, or the end; lost, it is caused again")]
    public TcpHeader? Reset;

    /// <summary>The limit on challenge ACKs.</summary>
    [NotInSnapshot("its parts are listed at ChallengeLimit")]
    public ChallengeLimit Challenges;
}
