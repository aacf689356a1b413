using System.Buffers;
using System.Collections.Concurrent;

namespace Baton.Kestrel.Tests;

/// <summary>Counts what is rented and not given back.</summary>
internal sealed class CountingPool : MemoryPool<byte>
{
    private readonly ConcurrentDictionary<Owner, bool> _rented = new();

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public int Rented => _rented.Count;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        var owner = new Owner(Shared.Rent(minBufferSize), this);
        _rented.TryAdd(owner, true);
        return owner;
    }

    /// <summary>Waits until all is given back.</summary>
    public async Task UntilNoneIsRentedAsync()
    {
        var patience = WebFarm.Patience();
        while (Rented > 0)
        {
            await Task.Delay(5, patience);
        }
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Owner(IMemoryOwner<byte> inner, CountingPool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => inner.Memory;

        public void Dispose()
        {
            Assert.True(pool._rented.TryRemove(this, out _), "a buffer was given back twice");
            inner.Dispose();
        }
    }
}
