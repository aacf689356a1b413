using Baton.Scenarios.Run;
using Baton.Scenarios.Script;
using Baton.Tcp;

namespace Baton.Scenarios;

/// <summary>Runs scripts, each against a stack of its own, in virtual time.</summary>
public static class ScenarioRunner
{
    /// <summary>Reads and runs a script.</summary>
    public static ScenarioResult Run(string text)
    {
        ParsedScript script;
        try
        {
            script = ScriptReader.Read(text);
        }
        catch (ScriptSyntaxException e)
        {
            return new(ScenarioOutcome.Failed, e.Line, "a script", e.Message, []);
        }
        catch (UnsupportedConstructException e)
        {
            return new(ScenarioOutcome.Unsupported, e.Line, e.Construct, "", []);
        }

        try
        {
            // Known before anything runs, so that such a script never counts as a failure.
            if (script.Events.OfType<Unsupported>().FirstOrDefault() is { } construct)
            {
                throw new UnsupportedConstructException(construct.Line, construct.Construct);
            }

            new ScenarioRun(script).Play();
            return new(ScenarioOutcome.Passed, 0, "", "", Ignored(script));
        }
        catch (UnsupportedConstructException e)
        {
            return new(ScenarioOutcome.Unsupported, e.Line, e.Construct, "", Ignored(script));
        }
        catch (ScenarioFailedException e)
        {
            return new(ScenarioOutcome.Failed, e.Line, e.Expected, e.Got, Ignored(script));
        }
    }

    private static List<string> Ignored(ParsedScript script)
    {
        var settings = TcpSettings.Default;
        return [.. script.SetUp.Where(c => !SystemControls.TryApply(c.Text, ref settings)).Select(c => $"line {c.Line}: {c.Text}")];
    }
}
