using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>T→H: commit; S→H: abort. The header's epoch is S's epoch e.</summary>
internal readonly record struct Swap(SwapQuestion Question)
{
    public static byte[] Write(in SwapQuestion question)
    {
        var header = new MessageHeader(MessageKind.Swap, question.Handoff, question.ExpectedEpoch, question.Flow);
        var message = header.Allocate(2 + 8 + 2 + 1 + question.Reference.Length, out var body);
        body.UInt16(question.ExpectedOwner.Value);
        body.UInt64(question.ExpectedEndpoint.Value);
        body.UInt16(question.NewOwner.Value);
        body.Reference(question.Reference);
        body.End();
        return message;
    }

    public static bool TryRead(in MessageHeader header, MessageReader body, out Swap message)
    {
        var source = body.Node();
        var endpoint = new EndpointId(body.UInt64());
        var owner = body.Node();
        var reference = body.Reference();
        bool isAbort = source == owner;
        message = new(isAbort
            ? SwapQuestion.Abort(header.Flow, header.Handoff, source, header.Epoch, endpoint)
            : SwapQuestion.Commit(header.Flow, header.Handoff, source, header.Epoch, endpoint, owner, reference));
        return body.IsExact && isAbort == (reference.Length == 0);
    }
}
