using Baton.Wire;

namespace Baton.Engine;

/// <summary>The binding of one application to one endpoint. Used on the shard's thread only.</summary>
public sealed partial class Attachment
{
    /// <summary>The endpoint at this node.</summary>
    public EndpointId Id => throw new NotSupportedException();

    /// <summary>Protocol and four-tuple.</summary>
    public Flow Flow => throw new NotSupportedException();

    /// <summary>The application's name.</summary>
    public string Application => throw new NotSupportedException();

    /// <summary>Whether another application had this endpoint before.</summary>
    public bool HandedOver => throw new NotSupportedException();

    /// <summary>What the previous application gave.</summary>
    public ReadOnlyMemory<byte> Context => throw new NotSupportedException();

    /// <summary>Bytes that <see cref="Read"/> would give now (TCP), or whether a datagram waits (UDP).</summary>
    public int ReadableBytes => throw new NotSupportedException();

    /// <summary>Whether the client has closed its direction and everything was read.</summary>
    public bool ReadCompleted => throw new NotSupportedException();

    /// <summary>Bytes that <see cref="Write"/> would take now.</summary>
    public int WriteCapacity => throw new NotSupportedException();

    /// <summary>Reads bytes of the stream, or one datagram.</summary>
    public int Read(Span<byte> destination) => throw new NotSupportedException();

    /// <summary>Reads without taking.</summary>
    public int Peek(Span<byte> destination) => throw new NotSupportedException();

    /// <summary>Writes what fits and says how many; a datagram is taken whole or not at all.</summary>
    public int Write(ReadOnlySpan<byte> source) => throw new NotSupportedException();

    /// <summary>Closes the sending direction.</summary>
    public void CloseWrite() => throw new NotSupportedException();

    /// <summary>Ends the connection with a reset.</summary>
    public void Abort() => throw new NotSupportedException();

    /// <summary>Begins to hand the endpoint off; <see cref="IEndpointApplication.OnLeft"/> or <see cref="IEndpointApplication.OnHandOffFailed"/> follows.</summary>
    public void HandOff(HandOffRequest request) => throw new NotSupportedException();

    /// <summary>Leaves the endpoint unattached.</summary>
    public void Detach(ReadOnlyMemory<byte> context = default, ReadOnlyMemory<byte> unread = default) => throw new NotSupportedException();
}
