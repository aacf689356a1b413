using System.Diagnostics;
using Baton.Hosting;
using Baton.Node.Demo;
using Baton.Node.Up;

namespace Baton.Node.Tests.Up;

/// <summary>What a user does who has only the packages: a new web application, one package, one line.</summary>
[Collection("demonstrations run one after the other")]
public sealed class PackageTests : IDisposable
{
    private const string Needed = "needs root and /dev/net/tun";
    private readonly string _folder = Directory.CreateTempSubdirectory("baton-package-").FullName;

    public static bool CanRun => Environment.IsPrivilegedProcess && File.Exists("/dev/net/tun");

    [Fact(Skip = Needed, SkipUnless = nameof(CanRun))]
    public async Task A_new_web_application_with_the_package_and_one_line_keeps_its_connection_over_a_drain()
    {
        var cancellation = TestContext.Current.CancellationToken;
        string application = await MakeApplicationAsync();
        await using var network = await DemoNetwork.CreateAsync(relay: false, cancellation);
        await using var farm = await LocalFarm.StartAsync(network, _folder, new(["dotnet", application], _folder), [("web", 80)], cancellation);

        // One client, one connection, requests for ten seconds at most; the node that serves it is drained meanwhile.
        using var curl = Process.Start(new ProcessStartInfo(
            "ip",
            [
                "netns", "exec", network.Client, "stdbuf", "-oL", "curl", "-s", "--rate", "10/s", "-o", "/dev/null",
                "-w", "%{http_code} %{num_connects} %{size_download}\n", $"http://{AddressPlan.V4.Nodes[0].Service}/?[1-60]",
            ])
        { RedirectStandardOutput = true })!;
        var answers = new List<string>();
        bool drained = false;
        while (await curl.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            answers.Add(line);
            if (answers.Count == 10)
            {
                drained = await DrainOwnerAsync(farm, cancellation);
            }
        }

        Assert.True(drained);
        Assert.Equal(["200 1 12", .. Enumerable.Repeat("200 0 12", 59)], answers);
    }

    [Theory]
    [InlineData("no/such/program", "does not exist")]
    [InlineData("/", "holds 0 projects")]
    public async Task What_is_no_program_is_said_with_what_would_be(string path, string said)
    {
        var missing = await Assert.ThrowsAsync<PrerequisiteException>(
            () => ProgramCommand.PrepareAsync(path, [], TestContext.Current.CancellationToken));
        Assert.Contains(said, missing.Message, StringComparison.Ordinal);
        Assert.Contains(".csproj", missing.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Drains the node that owns the client's connection, and says whether the connection is at another then.</summary>
    private static async Task<bool> DrainOwnerAsync(LocalFarm farm, CancellationToken cancellation)
    {
        using var control = new ControlClient(farm.SocketOf(AddressPlan.V4.Nodes[0]));
        string owner = (await OwnersAsync(control, cancellation)).Single();
        await control.DrainAsync(owner, cancellation);
        while ((await control.DrainProgressAsync(owner, cancellation)).State == "running")
        {
            await Task.Delay(10, cancellation);
        }

        return (await OwnersAsync(control, cancellation)).Single() != owner;
    }

    private static async Task<IEnumerable<string>> OwnersAsync(ControlClient control, CancellationToken cancellation) =>
        (await control.ConnectionsAsync(cancellation: cancellation)).Connections.Where(c => c.Service == "web").Select(c => c.Node);

    private async Task<string> MakeApplicationAsync()
    {
        string packages = Path.Combine(_folder, "packages"), application = Path.Combine(_folder, "hello");
        foreach (string project in Directory.GetFiles(Path.Combine(Checkout(), "src"), "*.csproj", SearchOption.AllDirectories))
        {
            if (!project.EndsWith("Baton.Node.csproj", StringComparison.Ordinal))
            {
                await DotnetAsync(Checkout(), "pack", project, "-c", "Release", "--no-build", "-o", packages, "-v", "quiet", "-nologo");
            }
        }

        await DotnetAsync(_folder, "new", "web", "-o", application, "--no-restore");
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "nuget.config"),
            $"<configuration><packageSources><clear/><add key=\"here\" value=\"{packages}\"/></packageSources></configuration>");
        await DotnetAsync(application, "add", "package", "Baton.Kestrel");
        string program = Path.Combine(application, "Program.cs");
        string text = await File.ReadAllTextAsync(program);
        const string After = "var builder = WebApplication.CreateBuilder(args);\n";
        Assert.Contains(After, text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(program, text.ReplaceLineEndings("\n").Replace(After, After + "builder.WebHost.UseBaton(\"web\");\n", StringComparison.Ordinal));
        await DotnetAsync(application, "build", "-c", "Release", "-o", "out", "-v", "quiet", "-nologo");
        return Path.Combine(application, "out", "hello.dll");
    }

    /// <summary>Runs the SDK with a package cache of this test's own, and no server that would outlive it.</summary>
    private async Task DotnetAsync(string directory, params string[] arguments)
    {
        var environment = new Dictionary<string, string>
        {
            ["NUGET_PACKAGES"] = Path.Combine(_folder, "cache"),
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        };

        // Packing needs what restoring this checkout has fetched.
        if (arguments[0] == "pack")
        {
            environment.Remove("NUGET_PACKAGES");
        }

        using var process = Tool.Start("dotnet", arguments, environment, directory);
        process.StandardInput.Close();
        var said = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}:\n{output}{await said}");
    }

    private static string Checkout()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Baton.slnx")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
