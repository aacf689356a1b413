using System.Globalization;
using System.Text.RegularExpressions;
using Baton.Scenarios.Code;
using Baton.Scenarios.Script;

namespace Baton.Scenarios.Run;

/// <summary>The simple commands in a set-up text, which is given to a shell elsewhere.</summary>
internal static partial class ShellCommands
{
    /// <summary>Shell scripts that name shell scripts: how deep.</summary>
    private const int MaxDepth = 4;

    /// <summary>Cuts a text into commands, and reads those that are the name of a shell script.</summary>
    public static IEnumerable<SetUpCommand> Of(SetUpCommand text, string? folder, int depth = 0)
    {
        foreach (string line in JoinLines().Replace(text.Text, " ").Split(['\n', ';']).SelectMany(part => part.Split("&&")))
        {
            string command = Arithmetic().Replace(Redirection().Replace(Comment().Replace(line, ""), ""), m => Evaluate(m.Groups[1].Value)).Trim();
            string? script = folder is not null && command.EndsWith(".sh", StringComparison.Ordinal) ? Path.Combine(folder, command) : null;
            if (script is not null && depth < MaxDepth && File.Exists(script))
            {
                foreach (var inner in Of(text with { Text = File.ReadAllText(script) }, Path.GetDirectoryName(script), depth + 1))
                {
                    yield return inner;
                }
            }
            else if (command.Length > 0)
            {
                yield return text with { Text = command };
            }
        }
    }

    private static string Evaluate(string expression) =>
        CodeBlock.TryRead("value = " + expression, out _) is { Statements: [{ Names.Count: 0 } statement] }
            ? statement.Value(_ => 0).ToString(CultureInfo.InvariantCulture)
            : expression;

    [GeneratedRegex(@"\\\r?\n")]
    private static partial Regex JoinLines();

    [GeneratedRegex(@"(?:^|\s)#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\s\d?>>?\s*(?:/dev/null|&\d)")]
    private static partial Regex Redirection();

    [GeneratedRegex(@"\$\(\((.*?)\)\)")]
    private static partial Regex Arithmetic();
}
