namespace Baton.Node.Samples;

/// <summary>Which sample applications <c>baton node</c> runs: section <c>Samples</c> of the configuration.</summary>
internal sealed class SampleOptions
{
    public const string SectionName = "Samples";

    public IList<SampleBinding> Applications { get; set; } = [];

    /// <summary>What the dispatcher serves under <c>/content/NAME</c>.</summary>
    public IDictionary<string, ContentSettings> Contents { get; set; } = new Dictionary<string, ContentSettings>(StringComparer.Ordinal);
}

/// <summary>One application and the service it is bound to.</summary>
internal sealed class SampleBinding
{
    public string Name { get; set; } = "";

    public string Service { get; set; } = "";

    /// <summary>The application's port at this node, as references carry it; 0 for the service's.</summary>
    public int Port { get; set; }
}

/// <summary>A content that one node holds.</summary>
internal sealed class ContentSettings
{
    public string Node { get; set; } = "";

    public ulong Key { get; set; }

    public ulong Length { get; set; }
}
