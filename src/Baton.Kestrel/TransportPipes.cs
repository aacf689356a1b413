using System.Buffers;
using System.IO.Pipelines;

namespace Baton.Kestrel;

/// <summary>What the pipes of a listener's connections are made of: one for all of them.</summary>
internal sealed class TransportPipes
{
    public TransportPipes(BatonTransportOptions options, MemoryPool<byte> pool)
    {
        var application = options.UnsafePreferInlineScheduling ? PipeScheduler.Inline : PipeScheduler.ThreadPool;
        Pool = pool;
        Input = Make(options.MaxReadBufferSize ?? 0, readerScheduler: options.UnsafePreferInlineScheduling ? application : new LeavingScheduler(), writerScheduler: PipeScheduler.Inline);
        Output = Make(options.MaxWriteBufferSize ?? 0, readerScheduler: PipeScheduler.Inline, writerScheduler: application);
    }

    /// <summary>Where the buffers come from.</summary>
    public MemoryPool<byte> Pool { get; }

    /// <summary>From the client: the shard writes, Kestrel reads.</summary>
    public PipeOptions Input { get; }

    /// <summary>To the client: Kestrel writes, the shard reads.</summary>
    public PipeOptions Output { get; }

    private PipeOptions Make(long bound, PipeScheduler readerScheduler, PipeScheduler writerScheduler) =>
        new(Pool, readerScheduler, writerScheduler, pauseWriterThreshold: bound, resumeWriterThreshold: bound / 2, useSynchronizationContext: false);
}
