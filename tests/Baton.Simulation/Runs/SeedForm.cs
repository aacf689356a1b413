using Baton.Link;

namespace Baton.Simulation;

/// <summary>How much flows through the farm of a seed. Everything else of a seed is drawn alike.</summary>
internal sealed record SeedForm
{
    private const int Kibibyte = 1024;

    /// <summary>64 KiB to 1 MiB in each direction of a flow.</summary>
    public static SeedForm Long { get; } = new()
    {
        Shortest = 64 * Kibibyte,
        Range = 16,
        SmallestSendBuffer = 32,
        SmallestReceiveBuffer = 16,
        LargestBuffer = 256,
        SmallImage = 48 * Kibibyte,
        ShortestPause = TimeSpan.FromMicroseconds(200),
        LaterPauses = 40,
        LaterDatagrams = TimeSpan.FromMilliseconds(20),
        LaterBurst = 4,
        TimeWait = TimeSpan.FromSeconds(60),
        DatagramIdle = TimeSpan.FromSeconds(40),
    };

    /// <summary>
    /// 1 to 32 KiB, and buffers as much smaller, so that windows close as often; moves follow each other faster, so that
    /// they meet what is under way.
    /// </summary>
    public static SeedForm Short { get; } = new()
    {
        Shortest = Kibibyte,
        Range = 32,
        SmallestSendBuffer = 2,
        SmallestReceiveBuffer = 4,
        LargestBuffer = 16,
        SmallImage = 6 * Kibibyte,
        ShortestPause = TimeSpan.FromMicroseconds(50),
        LaterPauses = 160,
        LaterDatagrams = TimeSpan.FromMilliseconds(100),
        LaterBurst = 1,
        TimeWait = TimeSpan.FromSeconds(4),
        DatagramIdle = TimeSpan.FromSeconds(24),
    };

    /// <summary>The shortest flow's bytes in a direction.</summary>
    public required int Shortest { get; init; }

    /// <summary>How many times longer the longest is.</summary>
    public required int Range { get; init; }

    /// <summary>The smallest send buffer in KiB.</summary>
    public required int SmallestSendBuffer { get; init; }

    /// <summary>The smallest receive buffer in KiB.</summary>
    public required int SmallestReceiveBuffer { get; init; }

    /// <summary>The largest buffer in KiB.</summary>
    public required int LargestBuffer { get; init; }

    /// <summary>The most bytes of an image in some of the farms: too few for some connections.</summary>
    public required int SmallImage { get; init; }

    /// <summary>The shortest of the average times between two moves; the longest is 128 times that.</summary>
    public required TimeSpan ShortestPause { get; init; }

    /// <summary>How many times longer they are once all moves have been asked for and strikes go on.</summary>
    public required int LaterPauses { get; init; }

    /// <summary>The average time between bursts of a UDP flow that has sent all and waits for the last move.</summary>
    public required TimeSpan LaterDatagrams { get; init; }

    /// <summary>Datagrams of such a burst at most.</summary>
    public required int LaterBurst { get; init; }

    /// <summary>How long the farm's connections stay in TIME-WAIT.</summary>
    public required TimeSpan TimeWait { get; init; }

    /// <summary>How long a UDP endpoint without traffic stays where there are strikes: longer than any of them.</summary>
    public required TimeSpan DatagramIdle { get; init; }

    /// <summary>A flow's length: every doubling is equally likely.</summary>
    public long Length(SeededRandom random) => (long)(Shortest * Math.Pow(Range, random.NextDouble()));
}
