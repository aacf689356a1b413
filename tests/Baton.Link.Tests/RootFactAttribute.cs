using System.Runtime.CompilerServices;

namespace Baton.Link.Tests;

/// <summary>A test that takes root: eBPF, network namespaces, packet sockets. It says so where it is skipped.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = TestNamespace.RootOnly;
        SkipUnless = nameof(TestNamespace.IsRoot);
        SkipType = typeof(TestNamespace);
    }
}

/// <summary>As <see cref="RootFactAttribute"/>, with cases.</summary>
internal sealed class RootTheoryAttribute : TheoryAttribute
{
    public RootTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = TestNamespace.RootOnly;
        SkipUnless = nameof(TestNamespace.IsRoot);
        SkipType = typeof(TestNamespace);
    }
}
