using System.Globalization;

namespace Baton.Simulation;

/// <summary>What <c>./build simulate</c> is asked for.</summary>
internal sealed record SimulateOptions
{
    public const string Usage =
        "usage: simulate [--seeds N] [--seed S [--trace | --shrink] [--flows N] [--moves N] [--strikes BITS]] [--short] [--crashes] [--quick]\n       simulate --single-faults [--quick]";

    private const int DefaultSeeds = 10_000;
    private const int LongRun = 20_000;

    /// <summary>The first seed.</summary>
    public ulong First { get; private init; } = 1;

    /// <summary>How many.</summary>
    public int Seeds { get; private init; } = DefaultSeeds;

    /// <summary>So many that a line every few seconds would be too many.</summary>
    public bool IsLong => Seeds > LongRun;

    /// <summary>Only as many as go into half a minute.</summary>
    public bool Quick { get; private init; }

    /// <summary>A line for each event of a single seed.</summary>
    public bool Trace { get; private init; }

    /// <summary>Make a single seed that fails shorter.</summary>
    public bool Shrink { get; private init; }

    /// <summary>Only seeds in which nodes are killed or cut off.</summary>
    public bool Crashes { get; private init; }

    /// <summary>How much flows in each seed.</summary>
    public SeedForm Form { get; private init; } = SeedForm.Long;

    /// <summary>The option that says so, for a replay.</summary>
    public string FormFlag => Form == SeedForm.Short ? " --short" : "";

    /// <summary>Every single fault at every step of a handoff, in place of seeds.</summary>
    public bool SingleFaults { get; private init; }

    /// <summary>What of each seed is left out.</summary>
    public RunLimits Limits { get; private init; } = RunLimits.None;

    /// <summary>Reads the command line; null when it is not understood.</summary>
    public static SimulateOptions? Parse(string[] args)
    {
        var options = new SimulateOptions();
        bool counted = false;
        for (int i = 0; i < args.Length; i++)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            int number = 0;
            switch (args[i])
            {
                case "--quick":
                    options = options with { Quick = true };
                    continue;
                case "--trace":
                    options = options with { Trace = true };
                    continue;
                case "--shrink":
                    options = options with { Shrink = true };
                    continue;
                case "--short":
                    options = options with { Form = SeedForm.Short };
                    continue;
                case "--crashes":
                    options = options with { Crashes = true };
                    continue;
                case "--single-faults":
                    options = options with { SingleFaults = true };
                    continue;
                case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out ulong first):
                    options = options with { First = first, Seeds = counted ? options.Seeds : 1 };
                    break;
                case "--seeds" when TryCount(value, out number) && number > 0:
                    options = options with { Seeds = number };
                    counted = true;
                    break;
                case "--flows" when TryCount(value, out number) && number > 0:
                    options = options with { Limits = options.Limits with { Flows = number } };
                    break;
                case "--moves" when TryCount(value, out number):
                    options = options with { Limits = options.Limits with { Moves = number } };
                    break;
                case "--strikes" when uint.TryParse(value, CultureInfo.InvariantCulture, out uint strikes):
                    options = options with { Limits = options.Limits with { Strikes = strikes } };
                    break;
                default:
                    return null;
            }

            i++;
        }

        bool single = options.Seeds == 1;
        return single || !(options.Trace || options.Shrink) ? options : null;
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);
}
