using System.Net;

namespace Baton.Engine;

/// <summary>What a listener is bound to: a service of the farm, by its name.</summary>
public sealed class BatonEndPoint : EndPoint, IEquatable<BatonEndPoint>
{
    /// <summary>Makes the address of a service.</summary>
    /// <param name="service">Its name in the configuration.</param>
    /// <param name="port">
    /// The port of the application at this node, as references to its endpoints carry it (R20); null for the service's.
    /// </param>
    public BatonEndPoint(string service, ushort? port = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(service);
        Service = service;
        Port = port;
    }

    /// <summary>The service's name.</summary>
    public string Service { get; }

    /// <summary>The application's port at this node, or null for the service's.</summary>
    public ushort? Port { get; }

    /// <inheritdoc/>
    public bool Equals(BatonEndPoint? other) => other is not null && other.Service == Service && other.Port == Port;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as BatonEndPoint);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Service, Port);

    /// <inheritdoc/>
    public override string ToString() => Port is { } port ? $"baton://{Service}:{port}" : $"baton://{Service}";
}
