namespace Baton.Scenarios;

/// <summary>The program's arguments.</summary>
internal static class CommandLine
{
    /// <summary>Reads options and paths; false when an option is not understood.</summary>
    public static bool TryRead(IReadOnlyList<string> arguments, out ScenarioOptions options, out List<string> paths)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var defines = new Dictionary<string, string>(StringComparer.Ordinal);
        var profile = "rfc";
        paths = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                paths.Add(argument);
                continue;
            }

            string[] parts = argument[2..].Split('=', 2);
            if (parts[0] == "profile")
            {
                profile = parts.Length > 1 ? parts[1] : ++i < arguments.Count ? arguments[i] : "";
            }
            else if (parts[0] == "define" && parts.Length > 1 && parts[1].Split('=', 2) is [var word, var replacement])
            {
                defines[word] = replacement;
            }
            else
            {
                settings[parts[0]] = parts.Length > 1 ? parts[1] : "1";
            }
        }

        options = new()
        {
            Profile = profile == "linux" ? ScenarioProfile.Linux : ScenarioProfile.Rfc,
            Settings = settings,
            Defines = defines,
        };
        return profile is "linux" or "rfc";
    }
}
