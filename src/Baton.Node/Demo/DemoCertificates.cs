using Baton.Hosting;

namespace Baton.Node.Demo;

/// <summary>The throw-away authority of a farm on one machine: gone with its working directory.</summary>
internal static class DemoCertificates
{
    /// <summary>The certificates' folder in the working directory.</summary>
    public const string FolderName = "farm";

    private static readonly TimeSpan s_validity = TimeSpan.FromDays(90);

    /// <summary>Makes the authority and each node's certificate.</summary>
    public static void Make(string directory)
    {
        using var authority = FarmAuthority.Create(Path.Combine(directory, FolderName), s_validity, TimeProvider.System);
        foreach (var node in AddressPlan.V4.Nodes)
        {
            authority.Issue(node.Name, s_validity);
        }
    }
}
