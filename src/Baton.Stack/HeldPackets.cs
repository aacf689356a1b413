using Baton.Wire;

namespace Baton.Stack;

/// <summary>Takes one packet that an endpoint held, from the IP header on; valid only during the call.</summary>
public delegate void HeldPacketHandler(FrameOffload offload, ReadOnlySpan<byte> packet);

/// <summary>
/// What arrives for an endpoint that may not answer now, in order of arrival, in buffers of the pool. Bounded for the
/// endpoint and, by the budget that all share, for the stack (R33, R35).
/// </summary>
public sealed class HeldPackets
{
    private readonly HeldBudget _budget;

    // Most endpoints never hold a packet.
    private Queue<Item>? _arrived;
    private Queue<Item>? _carried;

    internal HeldPackets(HeldBudget budget) => _budget = budget;

    /// <summary>Those of an endpoint that has never held any; it has no room.</summary>
    internal static HeldPackets None { get; } = new(new HeldBudget(
        new StackLimits { HeldPacketsPerEndpoint = 0, HeldBytesPerEndpoint = 0, HeldBytes = 0 }, new BufferPool(limitBytes: 1)));

    /// <summary>Packets held now.</summary>
    public int Count => (_arrived?.Count ?? 0) + (_carried?.Count ?? 0);

    /// <summary>Bytes held now.</summary>
    public int Bytes { get; private set; }

    /// <summary>Packets held since the endpoint exists.</summary>
    public long Total { get; private set; }

    /// <summary>Of <see cref="Count"/>, the packets that the last image contains: the target has them already.</summary>
    public int InImage { get; internal set; }

    /// <summary>Keeps a copy; carried packets came with the image and go before all that arrived here.</summary>
    internal bool TryAdd(FrameOffload offload, ReadOnlySpan<byte> packet, bool carried)
    {
        if (Count >= _budget.Limits.HeldPacketsPerEndpoint
            || Bytes + packet.Length > _budget.Limits.HeldBytesPerEndpoint
            || !_budget.TryTake(packet.Length))
        {
            return false;
        }

        if (!_budget.Pool.TryRentCopy(packet, out var buffer))
        {
            _budget.GiveBack(packet.Length);
            return false;
        }

        (carried ? _carried ??= new() : _arrived ??= new()).Enqueue(new Item(buffer, offload));
        Bytes += packet.Length;
        Total++;
        return true;
    }

    /// <summary>Gives the oldest packet away together with its buffer.</summary>
    internal bool TryTake(out Item item)
    {
        item = default;
        if (_carried?.TryDequeue(out item) != true && _arrived?.TryDequeue(out item) != true)
        {
            return false;
        }

        Bytes -= item.Length;
        InImage = Math.Max(0, InImage - 1);
        _budget.GiveBack(item.Length);
        return true;
    }

    /// <summary>Gives away, oldest first, what is in no image; forgets the rest. Returns the number given.</summary>
    internal int GiveAway(HeldPacketHandler handler)
    {
        int given = 0;
        for (int skip = InImage; TryTake(out var item); skip--)
        {
            if (skip <= 0)
            {
                handler(item.Offload, item.Packet);
                given++;
            }

            item.Buffer.Dispose();
        }

        return given;
    }

    internal void Clear()
    {
        while (TryTake(out var item))
        {
            item.Buffer.Dispose();
        }
    }

    /// <summary>Those held, oldest first.</summary>
    internal IEnumerable<Item> InOrder => (_carried ?? []).Concat(_arrived ?? []);

    internal readonly record struct Item(PooledBuffer Buffer, FrameOffload Offload)
    {
        public int Length => Buffer.Length;

        public ReadOnlySpan<byte> Packet => Buffer.Span;
    }
}

/// <summary>The bytes that all endpoints of a stack hold together.</summary>
internal sealed class HeldBudget(StackLimits limits, BufferPool pool)
{
    public BufferPool Pool => pool;

    public StackLimits Limits => limits;

    public long Used { get; private set; }

    public bool TryTake(int bytes)
    {
        if (Used + bytes > limits.HeldBytes)
        {
            return false;
        }

        Used += bytes;
        return true;
    }

    public void GiveBack(int bytes) => Used -= bytes;
}
