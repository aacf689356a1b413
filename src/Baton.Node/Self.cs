using System.Reflection;

namespace Baton.Node;

/// <summary>How to start this same program again.</summary>
internal static class Self
{
    /// <summary>The program and, where it is the .NET host, the assembly it has to run.</summary>
    public static IReadOnlyList<string> Command
    {
        get
        {
            string host = Environment.ProcessPath ?? throw new InvalidOperationException("The process has no path.");
            return Path.GetFileNameWithoutExtension(host) == "dotnet" ? [host, Assembly.GetEntryAssembly()!.Location] : [host];
        }
    }
}
