using System.Globalization;
using Baton.Scenarios;

const string Usage = "usage: Baton.Scenarios [--profile linux|rfc] [--SETTING=VALUE…] FILE…|DIR…   (directories are searched for *.pkt)";
if (!CommandLine.TryRead(args, out var options, out var paths) || paths.Count == 0)
{
    Console.Error.WriteLine(Usage);
    return 2;
}

var counts = new Dictionary<ScenarioOutcome, int>();
foreach (string file in paths.SelectMany(Scripts))
{
    if (!File.Exists(file))
    {
        Console.Error.WriteLine($"{file}: there is no such file");
        return 2;
    }

    var result = ScenarioRunner.Run(File.ReadAllText(file), options with { Folder = Path.GetDirectoryName(Path.GetFullPath(file)) });
    counts[result.Outcome] = counts.GetValueOrDefault(result.Outcome) + 1;
    Console.WriteLine($"{file}: {result}");
    foreach (string line in result.Ignored)
    {
        Console.WriteLine($"  ignored {line.ReplaceLineEndings(" ")}");
    }
}

int passed = counts.GetValueOrDefault(ScenarioOutcome.Passed);
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"figures: passed={passed} failed={counts.GetValueOrDefault(ScenarioOutcome.Failed)} unsupported={counts.GetValueOrDefault(ScenarioOutcome.Unsupported)}"));
return passed > 0 && passed == counts.Values.Sum() ? 0 : 1;

static IEnumerable<string> Scripts(string path) =>
    Directory.Exists(path) ? Directory.EnumerateFiles(path, "*.pkt", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [path];
