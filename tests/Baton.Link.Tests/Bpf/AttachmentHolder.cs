using System.Diagnostics;
using System.Reflection;
using Baton.Link.Bpf;

namespace Baton.Link.Tests.Bpf;

/// <summary>A process that has a program attached to an interface, until it is killed.</summary>
internal sealed class AttachmentHolder : IDisposable
{
    private const string Variable = "BATON_TEST_ATTACH";
    private const string Ready = "attached";

    private readonly Process _process;

    public AttachmentHolder(TestNamespace space, string device, XdpMode mode)
    {
        string test = $"{typeof(XdpAttachmentTests).FullName}.{nameof(XdpAttachmentTests.Holds_an_attachment_until_it_is_killed)}";
        var start = new ProcessStartInfo("dotnet", ["exec", Assembly.GetExecutingAssembly().Location, "-noColor", "-explicit", "only", "-method", test])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        start.Environment[Variable] = $"{space.Name} {device} {mode}";
        _process = Process.Start(start)!;
        string? line;
        do
        {
            line = _process.StandardOutput.ReadLine();
            Assert.NotNull(line);
        }
        while (line != Ready);
    }

    /// <summary>SIGKILL: none of its code runs any more.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    /// <summary>What the other process does; it ends with this one, whose end closes its input.</summary>
    public static void Hold()
    {
        if (Environment.GetEnvironmentVariable(Variable)?.Split(' ') is not [var space, var device, var mode])
        {
            return;
        }

        using var attachment = NetworkNamespace.Run(space, () =>
        {
            using var kernel = new KernelInterface(device);
            using var program = BpfProgram.Load("baton_held", Programs.Always(XdpAction.Pass));
            return XdpAttachment.Attach(program, device, kernel.Index, Enum.Parse<XdpMode>(mode));
        });
        using var output = new StreamWriter(Console.OpenStandardOutput());
        output.WriteLine(Ready);
        output.Flush();
        Console.OpenStandardInput().ReadByte();
    }
}
