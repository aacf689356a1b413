using System.Runtime.CompilerServices;

namespace Baton.Link.Bpf;

/// <summary>
/// A map of the kernel, seen as entries of two plain structures. It lives as long as this object, or a program that was
/// loaded with it. Any thread may use it.
/// </summary>
/// <typeparam name="TKey">Compared byte by byte: a structure without gaps.</typeparam>
/// <typeparam name="TValue">A structure of the size that programs read and write.</typeparam>
internal sealed unsafe class BpfMap<TKey, TValue> : IBpfMap
    where TKey : unmanaged
    where TValue : unmanaged
{
    private readonly BpfDescriptor _descriptor;

    /// <summary>Makes a map.</summary>
    /// <exception cref="LinkException">The kernel refuses; the message says what mends it.</exception>
    public BpfMap(BpfMapKind kind, string name, int capacity)
    {
        Name = name;
        Capacity = capacity;
        _descriptor = new BpfDescriptor(BpfCalls.CreateMap(kind, sizeof(TKey), sizeof(TValue), capacity, name), $"The map {name} could not be made");
    }

    /// <summary>As <c>bpftool map</c> shows it.</summary>
    public string Name { get; }

    /// <summary>The most entries it holds.</summary>
    public int Capacity { get; }

    /// <inheritdoc/>
    public int Descriptor => _descriptor.Value;

    /// <summary>Reads the value of a key.</summary>
    public bool TryRead(TKey key, out TValue value)
    {
        TValue read = default;
        int found = BpfCalls.Lookup(Descriptor, &key, &read);
        value = read;
        return found == 0 || Missing("read");
    }

    /// <summary>Adds or replaces the value of a key, in one step for the programs that look it up.</summary>
    /// <returns>False when the map is full.</returns>
    /// <exception cref="LinkException">The kernel refuses for another reason.</exception>
    public bool TryWrite(TKey key, in TValue value)
    {
        TValue written = value;
        return BpfCalls.Update(Descriptor, &key, &written) == 0 || Full();
    }

    /// <summary>Removes a key.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Remove(TKey key) => BpfCalls.Delete(Descriptor, &key) == 0 || Missing("removed");

    /// <summary>Writes many entries by one system call.</summary>
    /// <returns>How many were written: fewer than given when the map became full.</returns>
    public int WriteAll(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, keys.Length);
        int count = keys.Length;
        if (count == 0)
        {
            return 0;
        }

        fixed (TKey* firstKey = keys)
        fixed (TValue* firstValue = values)
        {
            _ = BpfCalls.UpdateBatch(Descriptor, firstKey, firstValue, ref count) == 0 || Full();
            return count;
        }
    }

    /// <summary>Removes many keys by one system call for each run of keys that are there.</summary>
    /// <returns>How many were there.</returns>
    public int RemoveAll(ReadOnlySpan<TKey> keys)
    {
        int removed = 0;
        while (!keys.IsEmpty)
        {
            int count = keys.Length;
            fixed (TKey* firstKey = keys)
            {
                if (BpfCalls.DeleteBatch(Descriptor, firstKey, ref count) < 0)
                {
                    Missing("removed");
                }
            }

            // The call stops at a key that is not there.
            removed += count;
            keys = keys[Math.Min(keys.Length, count + 1)..];
        }

        return removed;
    }

    /// <summary>All entries, read some hundreds at a time; what changes meanwhile may be there or not.</summary>
    public List<(TKey Key, TValue Value)> ReadAll()
    {
        const int chunk = 256;
        var keys = new TKey[chunk];
        var values = new TValue[chunk];
        var entries = new List<(TKey, TValue)>();
        TKey position = default;
        bool first = true, more = true;
        while (more)
        {
            int count = chunk;
            fixed (TKey* firstKey = keys)
            fixed (TValue* firstValue = values)
            {
                more = BpfCalls.LookupBatch(Descriptor, first ? null : &position, &position, firstKey, firstValue, ref count) == 0 || Missing("read");
            }

            first = false;
            for (int i = 0; i < count; i++)
            {
                entries.Add((keys[i], values[i]));
            }
        }

        return entries;
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private bool Missing(string verb)
    {
        int error = Syscalls.LastError;
        return error == Syscalls.ENOENT ? false : throw new LinkException($"The map {Name} could not be {verb}: {Syscalls.Describe(error)}.", error: error);
    }

    private bool Full()
    {
        const int E2BIG = 7, ENOSPC = 28;
        int error = Syscalls.LastError;
        return error is E2BIG or ENOSPC or Syscalls.ENOMEM
            ? false
            : throw new LinkException($"The map {Name} could not be written: {Syscalls.Describe(error)}.", error: error);
    }
}
