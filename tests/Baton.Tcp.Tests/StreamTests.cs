namespace Baton.Tcp.Tests;

public class StreamTests
{
    private static readonly PipeFaults Rough = new(Loss: 20, Duplicate: 10, JitterMicroseconds: 3000);
    private static readonly TcpSettings Small = TcpSettings.Default with { ReceiveBufferLimit = 16384, SendBufferLimit = 32768 };

    [Fact]
    public void Both_streams_arrive_over_a_clean_pipe() => Run(1, new(), TcpSettings.Default, moves: 0);

    [Fact]
    public void Both_streams_arrive_over_a_lossy_reordering_duplicating_pipe()
    {
        for (int seed = 1; seed <= 40; seed++)
        {
            Run(seed, Rough, TcpSettings.Default, moves: 0);
        }
    }

    [Fact]
    public void Both_streams_arrive_although_either_side_moves_at_random_steps()
    {
        int moves = 0;
        for (int seed = 1; seed <= 120; seed++)
        {
            moves += Run(seed, Rough, Variant(seed), moves: 20);
        }

        Assert.True(moves > 1000, $"{moves} moves");
    }

    [Fact]
    public void Both_streams_arrive_over_a_very_bad_pipe_with_moves()
    {
        for (int seed = 1000; seed < 1030; seed++)
        {
            Run(seed, new(Loss: 100, Duplicate: 50, JitterMicroseconds: 20000), Variant(seed), moves: 50, bytes: 60_000);
        }
    }

    private static TcpSettings Variant(int seed) => (seed % 4) switch
    {
        0 => TcpSettings.Default,
        1 => Small,
        2 => TcpSettings.Default with { Timestamps = false, NoDelay = true, ReceiveBufferLimit = 1 << 18 },
        _ => Small with { SelectiveAcks = false, WindowScaling = false, Timestamps = false },
    };

    private static int Run(int seed, PipeFaults faults, TcpSettings settings, int moves, int bytes = 400_000)
    {
        var random = new Random(seed);
        var pipe = new Pipe(seed, faults, settings, settings, random.Next(bytes), random.Next(bytes)) { MovesPerMille = moves };
        pipe.Run(TimeSpan.FromHours(2));
        return pipe.Moves;
    }
}
