namespace Baton.Engine.Tests;

/// <summary>
/// R36, from a seed: datagrams, forwarded packets, segments, records and control messages that are forged, cut, altered or
/// played again. None has an effect, throws, or makes anything grow. <c>BATON_FUZZ_CASES=10000000</c> runs so many,
/// <c>BATON_FUZZ_SEED=n</c> from another seed.
/// </summary>
[Collection(nameof(Alone))]
public sealed class FuzzTests
{
    private const long Cases = 100_000;

    [Fact]
    public void Whatever_is_forged_altered_cut_or_played_again_has_no_effect()
    {
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("BATON_FUZZ_SEED"), out ulong other) ? other : 1;
        long cases = long.TryParse(Environment.GetEnvironmentVariable("BATON_FUZZ_CASES"), out long more) ? more : Cases;
        using var frames = new FrameFuzz(seed);
        using var records = new RecordFuzz(seed);
        using var messages = new MessageFuzz(seed);
        long memory = 0;
        long done = 0;
        try
        {
            while (done < cases)
            {
                done += frames.Run() + records.Run() + messages.Run();
                if (memory == 0 && done >= cases / 4)
                {
                    memory = GC.GetTotalMemory(forceFullCollection: true);
                }
            }

            frames.Check();
            messages.Check();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"Seed {seed}, after {done} cases. Again: BATON_FUZZ_SEED={seed} BATON_FUZZ_CASES={cases}", e);
        }

        long growth = GC.GetTotalMemory(forceFullCollection: true) - memory;
        TestContext.Current.SendDiagnosticMessage($"{done} cases from seed {seed}: {frames}, {records}, {messages}; memory grew by {growth} bytes in the last three quarters");
        Assert.True(growth < 4 << 20, $"Seed {seed}: memory grew by {growth} bytes.");
    }
}
