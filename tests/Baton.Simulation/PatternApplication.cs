using System.Buffers.Binary;
using Baton.Engine;

namespace Baton.Simulation;

/// <summary>
/// An application that sends one pattern and checks another, and goes on where it was at any node: its context are the two
/// offsets. Closes its direction when it has sent all and the client has closed the other.
/// </summary>
public sealed class PatternApplication(Farm farm, FarmNode node, PatternPlan plan) : IEndpointApplication
{
    private readonly byte[] _buffer = new byte[16 * 1024];
    private long _sent;
    private long _received;
    private bool _closed;

    /// <inheritdoc/>
    public void OnAttached(Attachment attachment)
    {
        plan.Served.Add(node.Name);
        if (!attachment.Facts.Context.IsEmpty)
        {
            var context = attachment.Facts.Context.Span;
            _sent = BinaryPrimitives.ReadInt64BigEndian(context);
            _received = BinaryPrimitives.ReadInt64BigEndian(context[8..]);
        }

        OnWritable(attachment);
    }

    /// <inheritdoc/>
    public void OnReadable(Attachment attachment)
    {
        while (attachment.IsOpen && attachment.Read(_buffer) is > 0 and var read)
        {
            int wrong = plan.FromClient.Mismatch(_buffer.AsSpan(0, read), _received);
            if (wrong >= 0)
            {
                farm.Errors.Add($"Node {node.Name} read a wrong byte at {_received + wrong} of the client's stream.");
            }

            _received += read;
        }

        plan.ReceivedByFarm = Math.Max(plan.ReceivedByFarm, _received);
        CloseWhenDone(attachment);
    }

    /// <inheritdoc/>
    public void OnWritable(Attachment attachment)
    {
        while (_sent < plan.Length && attachment.IsOpen)
        {
            int length = (int)Math.Min(_buffer.Length, plan.Length - _sent);
            plan.ToClient.Fill(_buffer.AsSpan(0, length), _sent);
            int written = attachment.Write(_buffer.AsSpan(0, length));
            _sent += written;
            if (written < length)
            {
                break;
            }
        }

        CloseWhenDone(attachment);
    }

    /// <inheritdoc/>
    public void OnMoveRequested(Attachment attachment, MoveRequest request)
    {
        byte[] context = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(context, _sent);
        BinaryPrimitives.WriteInt64BigEndian(context.AsSpan(8), _received);
        attachment.HandOff(new HandOffRequest { Target = request.Target, Context = context });
    }

    /// <inheritdoc/>
    public void OnHandOffFailed(Attachment attachment, MoveResult result)
    {
        OnReadable(attachment);
        OnWritable(attachment);
    }

    /// <inheritdoc/>
    public void OnLeft(Attachment attachment, LeaveReason reason) => plan.Leaves.Add(reason);

    private void CloseWhenDone(Attachment attachment)
    {
        if (!_closed && _sent == plan.Length && attachment.ReadCompleted)
        {
            _closed = true;
            attachment.Close();
        }
    }
}

/// <summary>What one connection is to carry, and what became of it.</summary>
public sealed class PatternPlan(ulong key, long length)
{
    /// <summary>Bytes in each direction.</summary>
    public long Length { get; } = length;

    /// <summary>What the farm sends.</summary>
    public Pattern ToClient { get; } = new(key);

    /// <summary>What the client sends.</summary>
    public Pattern FromClient { get; } = new(~key);

    /// <summary>The nodes whose application had the endpoint, in order.</summary>
    public List<string> Served { get; } = [];

    /// <summary>Why applications lost it, in order.</summary>
    public List<LeaveReason> Leaves { get; } = [];

    /// <summary>Bytes of the client's stream that applications have read.</summary>
    public long ReceivedByFarm { get; set; }
}
