using Baton.Engine;

namespace Baton.Hosting;

/// <summary>An application of a node: begun when the engine runs, cancelled when the node stops.</summary>
public interface IBatonApplication
{
    /// <summary>The name in messages.</summary>
    string Name { get; }

    /// <summary>Binds to services of the engine and serves them until cancelled.</summary>
    Task RunAsync(BatonEngine engine, CancellationToken cancellationToken);
}
