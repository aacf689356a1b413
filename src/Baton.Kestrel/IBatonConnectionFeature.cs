using Baton.Engine;

namespace Baton.Kestrel;

/// <summary>The farm's view of a connection; among the features of connections that came over the farm.</summary>
public interface IBatonConnectionFeature
{
    /// <summary>
    /// The connection, for its description: service, flow, where it came from. Its bytes are Kestrel's.
    /// </summary>
    Connection Connection { get; }
}
