using System.Globalization;

namespace Baton.Bench.Machine;

/// <summary>What of the machine decides how much a measurement says, taken right before and after it.</summary>
/// <param name="RoundTrip">Nanoseconds of a cache line's way between the cores and back.</param>
/// <param name="FreshChunk">Microseconds of a copy into memory that the kernel has just allocated, see <see cref="FreshMemory"/>.</param>
internal readonly record struct MachineState(double RoundTrip, double FreshChunk)
{
    /// <summary>Why a measurement at this time does not count, or null.</summary>
    public string? Trouble =>
        RoundTrip > Cores.RoundTripLimit ? string.Create(CultureInfo.InvariantCulture, $"round trip between the cores {RoundTrip:F0} ns")
        : FreshChunk > FreshMemory.ChunkLimit ? string.Create(CultureInfo.InvariantCulture, $"64 KiB of the machine's free memory take {FreshChunk:F0} µs")
        : null;

    public static MachineState Measure() => new(Cores.MeasureRoundTrip(), FreshMemory.Measure());
}
