using System.Xml.Linq;

namespace Baton.Architecture.Tests;

public sealed class LayerTests
{
    /// <summary>Each layer and those it may refer to directly. What is not here may not be referred to.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Baton.Wire"] = [],
        ["Baton.Tcp"] = ["Baton.Wire"],
        ["Baton.Stack"] = ["Baton.Tcp"],
        ["Baton.Director"] = ["Baton.Wire"],
        ["Baton.Handoff"] = ["Baton.Wire"],
        ["Baton.Membership"] = ["Baton.Wire"],
        ["Baton.Link"] = ["Baton.Wire"],
        ["Baton.Engine"] = ["Baton.Stack", "Baton.Director", "Baton.Handoff", "Baton.Membership", "Baton.Link"],
        ["Baton.Hosting"] = ["Baton.Engine"],
        ["Baton.Tls"] = [],
        ["Baton.Kestrel"] = ["Baton.Hosting", "Baton.Tls"],
        ["Baton.Samples"] = ["Baton.Engine"],
        ["Chat"] = ["Baton.Kestrel"],
        ["Counter"] = ["Baton.Kestrel"],
        ["Download"] = ["Baton.Kestrel"],
        ["MinimalApi"] = ["Baton.Kestrel"],
        ["Baton.Node"] = ["Baton.Hosting", "Baton.Samples"],
    };

    private static readonly string[] Pure = ["Baton.Wire", "Baton.Tcp", "Baton.Stack", "Baton.Director", "Baton.Handoff", "Baton.Membership", "Baton.Tls"];

    public static TheoryData<string> Projects() =>
        [.. Repository.Files("src", "*.csproj").Concat(Repository.Files("samples", "*.csproj")).Select(file => Path.GetRelativePath(Repository.Root, file))];

    [Theory]
    [MemberData(nameof(Projects))]
    public void References_go_downwards_only(string project)
    {
        string name = Path.GetFileNameWithoutExtension(project);
        var references = XDocument.Load(Path.Combine(Repository.Root, project)).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))
            .ToList();

        Assert.True(Allowed.ContainsKey(name), $"{name} has no place among the layers.");
        Assert.All(references, reference => Assert.Contains(reference, Allowed[name]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Unsafe_code_stands_in_the_link_layer_only(string project)
    {
        bool isUnsafe = File.ReadAllText(Path.Combine(Repository.Root, project)).Contains("<AllowUnsafeBlocks>true", StringComparison.Ordinal);

        Assert.Equal(Path.GetFileNameWithoutExtension(project) == "Baton.Link", isUnsafe);
    }

    /// <summary>BannedSymbols.txt names what would break purity; this looks for words that no analyzer covers.</summary>
    [Theory]
    [InlineData(" async ")]
    [InlineData("await ")]
    [InlineData("lock (")]
    [InlineData("using System.Net.Sockets")]
    [InlineData("using System.Threading")]
    [InlineData("DllImport")]
    [InlineData("LibraryImport")]
    public void Pure_layers_know_no(string word)
    {
        var offenders = Pure.SelectMany(layer => Repository.Files($"src/{layer}", "*.cs"))
            .Where(file => File.ReadLines(file).Any(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && line.Contains(word, StringComparison.Ordinal)))
            .Select(file => Path.GetRelativePath(Repository.Root, file));

        Assert.Empty(offenders);
    }

    [Fact]
    public void No_drawer_is_named_after_nothing()
    {
        string[] drawers = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities", "Common", "Core"];
        var offenders = Repository.Files("src", "*.cs")
            .Where(file => drawers.Any(drawer => Path.GetFileNameWithoutExtension(file).EndsWith(drawer, StringComparison.Ordinal)))
            .Select(file => Path.GetRelativePath(Repository.Root, file));

        Assert.Empty(offenders);
    }
}
