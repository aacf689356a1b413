using System.Buffers;
using System.IO.Pipelines;

namespace Baton.Kestrel.Hubs;

/// <summary>What a hub reads, when it has begun: tells how much of it the hub has dealt with.</summary>
internal sealed class HubInput(PipeReader inner, Action<long> onConsumed) : PipeReader
{
    private ReadOnlySequence<byte> _shown;

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = await inner.ReadAsync(cancellationToken);
        _shown = result.Buffer;
        return result;
    }

    public override bool TryRead(out ReadResult result)
    {
        bool isThere = inner.TryRead(out result);
        _shown = isThere ? result.Buffer : default;
        return isThere;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        long length = _shown.Slice(0, consumed).Length;
        _shown = default;
        inner.AdvanceTo(consumed, examined);
        onConsumed(length);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);
}
