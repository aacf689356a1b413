namespace Baton.Node.Demo;

/// <summary>The demonstration cannot go on; the message says why and, where there is one, the mend.</summary>
internal sealed class DemoException(string message) : Exception(message);

/// <summary>Something outside the program is missing; the message names the exact command that mends it. Exit status 2.</summary>
internal sealed class PrerequisiteException(string message) : Exception(message);
