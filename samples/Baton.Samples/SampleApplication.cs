using Baton.Engine;

namespace Baton.Samples;

/// <summary>One kind of application: what it does with a TCP connection that is new, or that comes with a context.</summary>
public abstract class SampleApplication
{
    /// <summary>The name it is bound under, and by which another application hands connections to it.</summary>
    public abstract string Name { get; }

    /// <summary>Serves one connection until it has ended or left.</summary>
    public abstract Task ServeAsync(Connection connection);

    /// <summary>
    /// Gives the endpoint away when somebody asked for that. True: it has left. False: nobody asked, or the handoff was
    /// refused and the connection goes on here.
    /// </summary>
    protected static async ValueTask<bool> TryMoveAsync(Connection connection, ReadOnlyMemory<byte> context = default)
    {
        if (connection.RequestedMove is not { } request)
        {
            return false;
        }

        try
        {
            await connection.HandOffAsync(request.Target, context);
            return true;
        }
        catch (HandOffRejectedException)
        {
            return false;
        }
    }
}
