using Baton.Engine;

namespace Baton.Bench.Own;

/// <summary>An application of one connection that does not move.</summary>
internal abstract class BenchApplication : IEndpointApplication
{
    /// <summary>Shared by all: they run on one thread and keep nothing in it.</summary>
    protected static byte[] Buffer { get; } = GC.AllocateUninitializedArray<byte>(Pattern.MaxChunk, pinned: true);

    public virtual void OnAttached(Attachment attachment)
    {
    }

    public virtual void OnReadable(Attachment attachment)
    {
    }

    public virtual void OnWritable(Attachment attachment)
    {
    }

    public void OnMoveRequested(Attachment attachment, MoveRequest request)
    {
    }

    public void OnHandOffFailed(Attachment attachment, MoveResult result)
    {
    }

    public void OnLeft(Attachment attachment, LeaveReason reason)
    {
    }
}

/// <summary><see cref="ServerTask.Sink"/>.</summary>
internal sealed class SinkApplication : BenchApplication
{
    private long _position;
    private bool _intact = true;

    public override void OnReadable(Attachment attachment)
    {
        // At most as much at once as the pattern goes on.
        ReadOnlySpan<byte> bytes;
        while (!(bytes = attachment.PeekInPlace()).IsEmpty)
        {
            int length = Math.Min(bytes.Length, Pattern.MaxChunk);
            _intact &= Pattern.Matches(_position, bytes[..length]);
            attachment.Advance(length);
            _position += length;
        }

        if (attachment.ReadCompleted)
        {
            Span<byte> report = stackalloc byte[SinkReport.Length];
            SinkReport.Write(report, _position, _intact);
            attachment.Write(report);
            attachment.Close();
        }
    }
}

/// <summary><see cref="ServerTask.Source"/>.</summary>
internal sealed class SourceApplication : BenchApplication
{
    private long _position;

    public override void OnAttached(Attachment attachment) => OnWritable(attachment);

    public override void OnWritable(Attachment attachment)
    {
        int written;
        while ((written = attachment.Write(Pattern.At(_position))) > 0)
        {
            _position += written;
        }
    }

    public override void OnReadable(Attachment attachment)
    {
        if (attachment.ReadCompleted)
        {
            attachment.Close();
        }
    }
}

/// <summary><see cref="ServerTask.Echo"/>.</summary>
internal sealed class EchoApplication : BenchApplication
{
    public override void OnReadable(Attachment attachment)
    {
        int read;
        while ((read = attachment.Read(Buffer.AsSpan(0, 64))) > 0)
        {
            attachment.Write(Buffer.AsSpan(0, read));
        }

        if (attachment.ReadCompleted)
        {
            attachment.Close();
        }
    }
}
