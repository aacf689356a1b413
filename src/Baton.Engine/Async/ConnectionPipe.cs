using System.IO.Pipelines;

namespace Baton.Engine;

/// <summary>A connection as a pair of pipes. Completing the output closes the sending direction after all that was written.</summary>
internal sealed class ConnectionPipe(Connection connection) : IDuplexPipe
{
    public PipeReader Input { get; } = PipeReader.Create(new ConnectionStream(connection), new StreamPipeReaderOptions(leaveOpen: true));

    public PipeWriter Output { get; } = PipeWriter.Create(new SendingHalf(connection));

    /// <summary>Disposing it closes one direction only.</summary>
    private sealed class SendingHalf(Connection connection) : ConnectionStream(connection)
    {
        private readonly Connection _connection = connection;

        protected override ValueTask EndAsync() => _connection.CompleteAsync();
    }
}
