using System.Globalization;

namespace Baton.RealPackets.Tests;

/// <summary>The kernel's eBPF objects, by their numbers.</summary>
internal static class BpfObjects
{
    private static readonly string[] s_kinds = ["prog", "map", "link"];

    /// <summary>Those that this process has open.</summary>
    public static IReadOnlyList<(string Kind, int Id)> Open()
    {
        var open = new List<(string, int)>();
        foreach (string file in Directory.GetFiles("/proc/self/fdinfo"))
        {
            try
            {
                // An attachment names its program too.
                string[] lines = File.ReadAllLines(file);
                string? kind = s_kinds.LastOrDefault(kind => lines.Any(line => line.StartsWith($"{kind}_id:", StringComparison.Ordinal)));
                if (kind is not null)
                {
                    string line = lines.First(line => line.StartsWith($"{kind}_id:", StringComparison.Ordinal));
                    open.Add((kind, int.Parse(line.Split('\t')[1], CultureInfo.InvariantCulture)));
                }
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }
        }

        return open;
    }

    /// <summary>Whether the kernel still has it.</summary>
    public static bool Exists((string Kind, int Id) it) =>
        RealNetwork.TryRun(null, "bpftool", it.Kind, "show", "id", it.Id.ToString(CultureInfo.InvariantCulture)).Status == 0;
}
