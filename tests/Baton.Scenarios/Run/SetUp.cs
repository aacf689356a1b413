using Baton.Scenarios.Script;

namespace Baton.Scenarios.Run;

/// <summary>What a set-up command means here.</summary>
internal enum SetUpEffect
{
    /// <summary>It sets what the stack has too, or asks for what the stack does anyway.</summary>
    Applied,

    /// <summary>It has no meaning for a stack of one script.</summary>
    Meaningless,

    /// <summary>The stack has nothing of the kind: what the script expects may depend on it.</summary>
    Unknown,
}

/// <summary>
/// The set-up commands of a script. A shell script that one names is read for the commands in it, if it is there. They
/// hold from the beginning, so that one which stands behind a socket call is not known.
/// </summary>
internal sealed class SetUp
{
    private SetUp(ScriptSettings settings, IReadOnlyList<string> ignored, SetUpCommand? unknown) =>
        (Settings, Ignored, Unknown) = (settings, ignored, unknown);

    /// <summary>The settings with what was applied.</summary>
    public ScriptSettings Settings { get; }

    /// <summary>The commands that were left out.</summary>
    public IReadOnlyList<string> Ignored { get; }

    /// <summary>The first of them on which the script's expectations may depend, or null.</summary>
    public SetUpCommand? Unknown { get; }

    /// <summary>Applies the commands.</summary>
    /// <param name="commands">The commands as the script has them.</param>
    /// <param name="settings">The settings so far.</param>
    /// <param name="folder">Where shell scripts are looked for, or null.</param>
    public static SetUp Apply(IEnumerable<SetUpCommand> commands, ScriptSettings settings, string? folder)
    {
        var ignored = new List<string>();
        SetUpCommand? unknown = null;
        foreach (var command in commands.SelectMany(c => ShellCommands.Of(c, folder)))
        {
            var effect = SystemControls.Apply(command.Text, ref settings);
            if (effect == SetUpEffect.Applied && !command.AtStart)
            {
                effect = SetUpEffect.Unknown;
            }

            if (effect != SetUpEffect.Applied)
            {
                ignored.Add($"line {command.Line}: {command.Text}");
            }

            unknown ??= effect == SetUpEffect.Unknown ? command : null;
        }

        return new(settings, ignored, unknown);
    }
}
