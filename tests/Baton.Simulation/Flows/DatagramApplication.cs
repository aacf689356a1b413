using System.Buffers.Binary;
using Baton.Engine;

namespace Baton.Simulation;

/// <summary>The farm's end of a <see cref="DatagramFlow"/>: answers in proportion. Its context says how far it is.</summary>
internal sealed class DatagramApplication(SimulationRun run, FarmNode node) : IEndpointApplication
{
    private readonly byte[] _buffer = new byte[8 * 1024];
    private DatagramFlow _flow = null!;
    private long _received;
    private long _sent;
    private uint _number;

    /// <inheritdoc/>
    public void OnAttached(Attachment attachment)
    {
        _flow = run.DatagramsOf(attachment.Facts.Flow);
        if (!attachment.Facts.Context.IsEmpty)
        {
            var context = attachment.Facts.Context.Span;
            _received = BinaryPrimitives.ReadInt64BigEndian(context);
            _sent = BinaryPrimitives.ReadInt64BigEndian(context[8..]);
            _number = BinaryPrimitives.ReadUInt32BigEndian(context[16..]);
        }
        else
        {
            _number = _flow.Begin();
        }
    }

    /// <inheritdoc/>
    public void OnReadable(Attachment attachment)
    {
        while (attachment.IsOpen && attachment.HasInput(1))
        {
            int length = attachment.Read(_buffer);
            _flow.OnDelivered(_buffer.AsSpan(0, length), fromClient: true);
            _received += length;
            Answer(attachment);
        }
    }

    /// <inheritdoc/>
    public void OnWritable(Attachment attachment)
    {
    }

    /// <inheritdoc/>
    public void OnMoveRequested(Attachment attachment, MoveRequest request)
    {
        byte[] context = new byte[20];
        BinaryPrimitives.WriteInt64BigEndian(context, _received);
        BinaryPrimitives.WriteInt64BigEndian(context.AsSpan(8), _sent);
        BinaryPrimitives.WriteUInt32BigEndian(context.AsSpan(16), _number);
        attachment.HandOff(new HandOffRequest { Target = request.Target, Context = context });
    }

    /// <inheritdoc/>
    public void OnHandOffFailed(Attachment attachment, MoveResult result) => OnReadable(attachment);

    /// <inheritdoc/>
    public void OnLeft(Attachment attachment, LeaveReason reason)
    {
    }

    private void Answer(Attachment attachment)
    {
        var plan = _flow.Plan;
        long due = (long)((double)_received / plan.Up * plan.Down);
        while (_sent + plan.LengthOf(_number) <= due)
        {
            var payload = _buffer.AsSpan(0, plan.LengthOf(_number));
            _flow.OnWritten(_number, node);
            new Datagram(_flow.Index, FromClient: false, _number++).Write(payload, plan.Key);
            _sent += payload.Length;
            attachment.Write(payload);
        }
    }
}
