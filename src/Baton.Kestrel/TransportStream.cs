using Baton.Engine;
using Microsoft.AspNetCore.Connections;

namespace Baton.Kestrel;

/// <summary>The bytes of a connection, in Kestrel's terms of failure.</summary>
/// <param name="connection">The connection.</param>
/// <param name="first">Bytes of the stream that were taken off the connection already.</param>
internal sealed class TransportStream(Connection connection, ReadOnlyMemory<byte> first) : Stream
{
    private ReadOnlyMemory<byte> _first = first;

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="ConnectionResetException">The connection has ended other than in order.</exception>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_first.IsEmpty)
        {
            return ReceiveAsync(buffer, cancellationToken);
        }

        int length = Math.Min(_first.Length, buffer.Length);
        _first[..length].CopyTo(buffer);
        _first = _first[length..];
        return new(length);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.ReceiveAsync(buffer, cancellationToken);
        }
        catch (ConnectionClosedException closed)
        {
            throw new ConnectionResetException(closed.Message, closed);
        }
    }
}
