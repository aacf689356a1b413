using System.Runtime.CompilerServices;

namespace Baton.RealPackets.Tests;

/// <summary>A test on real packets: it takes network namespaces, and is skipped where they cannot be made.</summary>
internal sealed class RealFactAttribute : FactAttribute
{
    public RealFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = RealNetwork.RootOnly;
        SkipUnless = nameof(RealNetwork.IsRoot);
        SkipType = typeof(RealNetwork);
    }
}

/// <summary>As <see cref="RealFactAttribute"/>, with cases.</summary>
internal sealed class RealTheoryAttribute : TheoryAttribute
{
    public RealTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        Skip = RealNetwork.RootOnly;
        SkipUnless = nameof(RealNetwork.IsRoot);
        SkipType = typeof(RealNetwork);
    }
}
