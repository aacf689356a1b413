using System.Runtime.CompilerServices;
using Baton.Link;
using Baton.Link.Bpf;

namespace Baton.Testing;

/// <summary>Whether this process may load eBPF: root of the machine may, root of a user namespace may not.</summary>
internal static class Ebpf
{
    public const string NotAllowed = "loading eBPF takes root of the machine, not of a user namespace";

    private static readonly Lazy<bool> s_isAllowed = new(() =>
    {
        try
        {
            using var map = new PerCpuScratch("baton_probe", sizeof(ulong));
            return true;
        }
        catch (LinkException)
        {
            return false;
        }
    });

    public static bool IsAllowed => Environment.IsPrivilegedProcess && s_isAllowed.Value;
}

/// <summary>A test that loads eBPF. It says so where it is skipped.</summary>
internal sealed class BpfFactAttribute : FactAttribute
{
    public BpfFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = Ebpf.NotAllowed;
        SkipUnless = nameof(Ebpf.IsAllowed);
        SkipType = typeof(Ebpf);
    }
}

/// <summary>As <see cref="BpfFactAttribute"/>, with cases.</summary>
internal sealed class BpfTheoryAttribute : TheoryAttribute
{
    public BpfTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = Ebpf.NotAllowed;
        SkipUnless = nameof(Ebpf.IsAllowed);
        SkipType = typeof(Ebpf);
    }
}
