using Baton.Scenarios.Run;
using Baton.Scenarios.Script;

namespace Baton.Scenarios;

/// <summary>Runs scripts, each against a stack of its own, in virtual time.</summary>
public static class ScenarioRunner
{
    /// <summary>Reads and runs a script with the defaults.</summary>
    public static ScenarioResult Run(string text) => Run(text, ScenarioOptions.Default);

    /// <summary>Reads and runs a script.</summary>
    public static ScenarioResult Run(string text, ScenarioOptions options)
    {
        ParsedScript script;
        SetUp setUp;
        try
        {
            script = ScriptReader.Read(text, options);
            setUp = SetUp.Apply(script.SetUp, ScriptSettings.Of(script, options.Profile), options.Folder);
        }
        catch (ScriptSyntaxException e)
        {
            return new(ScenarioOutcome.Failed, e.Line, "a script", e.Message, []);
        }
        catch (UnsupportedConstructException e)
        {
            return new(ScenarioOutcome.Unsupported, e.Line, e.Construct, "", []);
        }

        var ignored = new List<string>(setUp.Ignored);
        ScenarioRun? run = null;
        try
        {
            // Known before anything runs, so that such a script never counts as a failure.
            if (script.Events.OfType<Unsupported>().FirstOrDefault() is { } construct)
            {
                throw new UnsupportedConstructException(construct.Line, construct.Construct);
            }

            var settings = setUp.Settings with { Tcp = ConnectionOptions.Of(script, setUp.Settings.Tcp, options.Profile) };
            run = new ScenarioRun(script, settings, ignored);
            run.Play();

            // What passed may have passed because of it.
            return setUp.Unknown is { } unknown
                ? new(ScenarioOutcome.Unsupported, unknown.Line, $"`{unknown.Text}`", "", ignored)
                : new(ScenarioOutcome.Passed, 0, "", "", ignored);
        }
        catch (UnsupportedConstructException e)
        {
            return new(ScenarioOutcome.Unsupported, e.Line, e.Construct, "", ignored);
        }
        catch (ScenarioFailedException e)
        {
            return new(ScenarioOutcome.Failed, e.Line, e.Expected, e.Got, ignored);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever a script does, the stack is not to throw; the scripts after this one run all the same.
            return new(ScenarioOutcome.Failed, run?.Line ?? 0, "no exception", e.ToString(), ignored);
        }
    }
}
