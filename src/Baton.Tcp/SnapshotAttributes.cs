namespace Baton.Tcp;

/// <summary>Says which field of <see cref="TcpSnapshot"/> carries a field of the connection when it moves.</summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class InSnapshotAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>Says why a field of the connection does not move: it is derived, or belongs to the present owner.</summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class NotInSnapshotAttribute(string why) : Attribute
{
    public string Why { get; } = why;
}
