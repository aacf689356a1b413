using Baton.Engine;

namespace Baton.Simulation;

/// <summary>Answers every datagram with its node's name and the datagram; its context counts them.</summary>
public sealed class EchoApplication(FarmNode node) : IEndpointApplication
{
    private readonly byte[] _buffer = new byte[2048];

    /// <summary>Datagrams answered, here and before.</summary>
    public int Count { get; private set; }

    /// <inheritdoc/>
    public void OnAttached(Attachment attachment)
    {
        if (!attachment.Facts.Context.IsEmpty)
        {
            Count = BitConverter.ToInt32(attachment.Facts.Context.Span);
        }
    }

    /// <inheritdoc/>
    public void OnReadable(Attachment attachment)
    {
        while (attachment.HasInput(1))
        {
            int length = attachment.Read(_buffer);
            Count++;
            attachment.Write([(byte)node.Name[0], (byte)Count, .. _buffer.AsSpan(0, length)]);
        }
    }

    /// <inheritdoc/>
    public void OnWritable(Attachment attachment)
    {
    }

    /// <inheritdoc/>
    public void OnMoveRequested(Attachment attachment, MoveRequest request) =>
        attachment.HandOff(new HandOffRequest { Target = request.Target, Context = BitConverter.GetBytes(Count) });

    /// <inheritdoc/>
    public void OnHandOffFailed(Attachment attachment, MoveResult result) => OnReadable(attachment);

    /// <inheritdoc/>
    public void OnLeft(Attachment attachment, LeaveReason reason)
    {
    }
}
