namespace Baton.Engine.Tests;

/// <summary>An application that does nothing but move.</summary>
internal sealed class Sitter : IEndpointApplication
{
    public Attachment? Attachment { get; private set; }

    public LeaveReason? Left { get; private set; }

    public void OnAttached(Attachment attachment) => Attachment = attachment;

    public void OnReadable(Attachment attachment)
    {
    }

    public void OnWritable(Attachment attachment)
    {
    }

    public void OnMoveRequested(Attachment attachment, MoveRequest request) => attachment.HandOff(new HandOffRequest { Target = request.Target });

    public void OnHandOffFailed(Attachment attachment, MoveResult result)
    {
    }

    public void OnLeft(Attachment attachment, LeaveReason reason) => Left = reason;
}
