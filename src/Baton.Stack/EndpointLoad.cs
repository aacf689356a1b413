namespace Baton.Stack;

/// <summary>What the endpoints of services are to their node.</summary>
/// <param name="Live">Endpoints that clients use: owned here, and not only waiting in TIME-WAIT.</param>
/// <param name="Unread">Bytes that these have received and no application has taken.</param>
public readonly record struct EndpointLoad(int Live, long Unread)
{
    /// <summary>With one endpoint's unread bytes in the place of what they were; negative for an endpoint that does not count.</summary>
    internal EndpointLoad Replace(int old, int present) =>
        new(Live - (old < 0 ? 0 : 1) + (present < 0 ? 0 : 1), Unread - Math.Max(0, old) + Math.Max(0, present));
}
