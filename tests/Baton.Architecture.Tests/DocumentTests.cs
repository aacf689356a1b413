using System.Text.RegularExpressions;

namespace Baton.Architecture.Tests;

public sealed partial class DocumentTests
{
    private static readonly string[] Root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

    public static TheoryData<string> Documents() =>
        [.. Repository.Files("docs", "*.md").Select(file => Path.GetRelativePath(Repository.Root, file)).Concat(Root).Order(StringComparer.Ordinal)];

    /// <summary>
    /// A word in back-ticks that is written like a type (two humps or more) must be a type, member, file or known name of
    /// the sources, so that documents do not outlive what they describe.
    /// </summary>
    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_type_that_a_document_names_exists(string document)
    {
        var missing = TypeName().Matches(File.ReadAllText(Path.Combine(Repository.Root, document)))
            .Select(match => match.Groups[1].Value)
            .Distinct()
            .Where(name => !Words.Value.Contains(name));

        Assert.Empty(missing);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_in_a_document_leads_to_a_file(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        var broken = FileLink().Matches(File.ReadAllText(Path.Combine(Repository.Root, document)))
            .Select(match => match.Groups[1].Value)
            .Where(link => !link.Contains("://", StringComparison.Ordinal))
            .Where(link => !Path.Exists(Path.Combine(folder, link)));

        Assert.Empty(broken);
    }

    [Fact]
    public void Every_package_has_a_line_in_dependencies()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "docs/dependencies.md"));
        var packages = Package().Matches(File.ReadAllText(Path.Combine(Repository.Root, "Directory.Packages.props"))).Select(match => match.Groups[1].Value);

        Assert.All(packages, package => Assert.Contains($"`{package}`", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Conformance_has_a_row_for_each_requirement()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "docs/CONFORMANCE.md"));

        Assert.All(Enumerable.Range(1, 36), number => Assert.Contains($"| R{number} |", text, StringComparison.Ordinal));
    }

    private static readonly Lazy<HashSet<string>> Words = new(() =>
        [.. new[] { "src", "samples", "tests", "bench", "eng" }
            .Where(folder => Directory.Exists(Path.Combine(Repository.Root, folder)))
            .SelectMany(folder => Repository.Files(folder, "*.cs"))
            .SelectMany(file => Word().Matches(File.ReadAllText(file)).Select(match => match.Value))]);

    [GeneratedRegex(@"`([A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+)`")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"\]\(([^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex FileLink();

    [GeneratedRegex("PackageVersion Include=\"([^\"]+)\"")]
    private static partial Regex Package();

    [GeneratedRegex(@"\b[A-Z][A-Za-z0-9]+\b")]
    private static partial Regex Word();
}
