namespace Baton.Engine.Tests;

/// <summary>Passes everything on and remembers the attachment.</summary>
internal sealed class Listening(IEndpointApplication inner, List<Attachment> attachments) : IEndpointApplication
{
    public void OnAttached(Attachment attachment)
    {
        attachments.Add(attachment);
        inner.OnAttached(attachment);
    }

    public void OnReadable(Attachment attachment) => inner.OnReadable(attachment);

    public void OnWritable(Attachment attachment) => inner.OnWritable(attachment);

    public void OnMoveRequested(Attachment attachment, MoveRequest request) => inner.OnMoveRequested(attachment, request);

    public void OnHandOffFailed(Attachment attachment, MoveResult result) => inner.OnHandOffFailed(attachment, result);

    public void OnLeft(Attachment attachment, LeaveReason reason) => inner.OnLeft(attachment, reason);
}
