namespace Baton.Build;

/// <summary>One thing that ./build does.</summary>
internal sealed record Verb(string Name, string Arguments, string Summary, Func<string[], int> Run);
