using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Baton.Link;

/// <summary>
/// Asks the processor to bring memory near before it is needed, so that what many frames need is waited for together. A
/// hint: it changes nothing, and does nothing where the processor takes none.
/// </summary>
public static unsafe class CacheLines
{
    private const int Line = 64;

    /// <summary>Brings a value near.</summary>
    public static void Fetch<T>(ref readonly T value)
        where T : struct
    {
        if (Sse.IsSupported)
        {
            // Safe: a prefetch of any address neither faults nor changes anything, so the value may move meanwhile.
            Fetch((byte*)Unsafe.AsPointer(ref Unsafe.AsRef(in value)), Unsafe.SizeOf<T>());
        }
    }

    /// <summary>Brings the first bytes of an object near, without looking at it.</summary>
    /// <param name="instance">The object.</param>
    /// <param name="bytes">How many, at least 1; it may have fewer.</param>
    public static void Fetch(object instance, int bytes)
    {
        if (Sse.IsSupported)
        {
            // Safe: as above. What the local variable holds is where the object stands.
            Fetch(*(byte**)Unsafe.AsPointer(ref instance), bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* start, int bytes)
    {
        for (int i = 0; i < bytes; i += Line)
        {
            Sse.Prefetch0(start + i);
        }

        Sse.Prefetch0(start + bytes - 1);
    }
}
