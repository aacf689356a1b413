using System.Buffers.Binary;
using Baton.Engine;
using Baton.Wire;

namespace Baton.Bench.Moves;

/// <summary>What the applications of a node do with their connections.</summary>
internal enum MoverMode
{
    /// <summary>Give back what comes, but leave so many bytes unread and as many to be sent.</summary>
    Echo,

    /// <summary>Queue so many bytes once, and read nothing.</summary>
    Fill,

    /// <summary>Send the pattern without end.</summary>
    Source,
}

/// <summary>An application that moves when asked, with its position in what it sends.</summary>
internal sealed class MovingApplication(OwnMover node) : IEndpointApplication
{
    private static readonly byte[] s_buffer = new byte[4096];

    private Attachment? _attachment;
    private long _position;

    public EndpointId Id => _attachment!.Id;

    public int Readable => _attachment!.ReadableBytes;

    public void OnAttached(Attachment attachment)
    {
        _attachment = attachment;
        var context = attachment.Facts.Context.Span;
        _position = context.IsEmpty ? 0 : BinaryPrimitives.ReadInt64BigEndian(context);
        node.OnArrived(this, attachment.Facts.HandedOver);
        if (node.Mode != MoverMode.Source && !attachment.Facts.HandedOver)
        {
            attachment.Write(node.Fill);
        }

        OnWritable(attachment);
        OnReadable(attachment);
    }

    public void OnReadable(Attachment attachment)
    {
        int fresh;
        while (node.Mode == MoverMode.Echo && (fresh = attachment.ReadableBytes - node.Fill.Length) > 0)
        {
            int read = attachment.Read(s_buffer.AsSpan(0, Math.Min(fresh, s_buffer.Length)));
            attachment.Write(s_buffer.AsSpan(0, read));
            attachment.Write(node.Fill[Math.Min(OwnNetwork.SendBuffer - attachment.WriteCapacity, node.Fill.Length)..]);
        }

        if (attachment.ReadCompleted)
        {
            attachment.Abort();
        }
    }

    public void OnWritable(Attachment attachment)
    {
        int written;
        while (node.Mode == MoverMode.Source && (written = attachment.Write(Pattern.At(_position))) > 0)
        {
            _position += written;
        }
    }

    public void OnMoveRequested(Attachment attachment, MoveRequest request)
    {
        byte[] context = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(context, _position);
        attachment.HandOff(new HandOffRequest { Target = request.Target, Context = context });
    }

    public void OnHandOffFailed(Attachment attachment, MoveResult result) => OnWritable(attachment);

    public void OnLeft(Attachment attachment, LeaveReason reason) => node.OnLeft(this, reason);
}
