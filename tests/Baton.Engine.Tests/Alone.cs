namespace Baton.Engine.Tests;

/// <summary>Tests that measure time or memory of the process: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
