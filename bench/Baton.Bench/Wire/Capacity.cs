namespace Baton.Bench.Wire;

/// <summary>What a receiver can do.</summary>
/// <param name="Most">Frames a second, at the rate that is best for it.</param>
/// <param name="WithoutLoss">The highest rate tried of which it lost less than 2 %: what is in the rings when time is over counts as lost.</param>
/// <param name="Offered">Three times the most, or what the generator could.</param>
/// <param name="Goodput">Frames a second at that rate.</param>
internal readonly record struct Capacity(double Most, double WithoutLoss, double Offered, double Goodput)
{
    private const double LeastLoss = 0.02, Excess = 3, Lowest = 0.2e6, Highest = 8e6;
    private const int Steps = 6, WarmUps = 3;

    public static Capacity Measure(LiveFrames frames, IWireReceiver receiver)
    {
        double most = 0, lossless = 0;
        (double Sent, double Done) At(double rate)
        {
            var measured = frames.While(rate, () => Window.RatesOf(frames, receiver));
            most = Math.Max(most, measured.Done);
            return measured;
        }

        // Until the runtime has compiled what is hot, and the node has found its neighbours.
        for (int i = 0; i < WarmUps; i++)
        {
            At(Lowest);
        }

        most = 0;
        double low = Lowest, high = Highest;
        for (int step = 0; step < Steps; step++)
        {
            double rate = Math.Sqrt(low * high);
            var (sent, done) = At(rate);
            if (LosesOf(sent, done))
            {
                // Once more: the machine may have stopped the receiver for a while.
                (sent, done) = At(rate);
            }

            bool keepsUp = !LosesOf(sent, done);
            lossless = keepsUp ? Math.Max(lossless, done) : lossless;

            // What the generator itself cannot send loses nothing either.
            (low, high) = keepsUp && sent > rate * 0.9 ? (rate, high) : (low, rate);
        }

        var overload = At(Math.Min(Excess * most, Highest));
        return new(most, lossless, overload.Sent, overload.Done);
    }

    private static bool LosesOf(double sent, double done) => done < sent * (1 - LeastLoss);
}
