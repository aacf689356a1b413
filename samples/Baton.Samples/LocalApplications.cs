using Baton.Engine;

namespace Baton.Samples;

/// <summary>The TCP applications of one node: binds them to a service, and lets one hand a connection to another (R27, R30).</summary>
public sealed class LocalApplications(BatonEngine engine)
{
    private readonly Dictionary<string, SampleApplication> _applications = new(StringComparer.Ordinal);

    /// <summary>Called when serving a connection failed other than by the connection's own end.</summary>
    public Action<string, Exception>? OnFailure { get; init; }

    /// <summary>Makes an application known by its name.</summary>
    public void Add(SampleApplication application) => _applications.Add(application.Name, application);

    /// <summary>Accepts the connections of <paramref name="service"/> that are for the application of that name, until cancelled.</summary>
    public async Task RunAsync(string application, BatonEndPoint service, CancellationToken cancellation)
    {
        var served = _applications[application];
        await using var listener = await engine.BindAsync(service, application, cancellationToken: cancellation);
        while (true)
        {
            _ = ServeAsync(served, await listener.AcceptAsync(cancellation));
        }
    }

    /// <summary>Detaches the connection from its application and attaches another one of this node to it.</summary>
    public async Task HandOnAsync(Connection connection, string application, ReadOnlyMemory<byte> context)
    {
        var next = _applications[application];
        var endpoint = await connection.DetachAsync(context);
        _ = ServeAsync(next, await engine.AttachAsync(endpoint, application));
    }

    private async Task ServeAsync(SampleApplication application, Connection connection)
    {
        // Applications run on the pool from their first step: accepting goes on meanwhile.
        await Task.Yield();
        await using (connection)
        {
            try
            {
                await application.ServeAsync(connection);
            }
            catch (BatonException)
            {
                // The connection ended or left under the application: nothing is owed to anybody.
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                OnFailure?.Invoke(application.Name, failure);
                connection.Abort();
            }
        }
    }
}
