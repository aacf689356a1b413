namespace Baton.Director;

/// <summary>Numbered entries in pages: grows without moving what is there, so that references to entries stay good.</summary>
internal sealed class Slab<T>(int capacity)
    where T : struct
{
    private const int PageShift = 7;
    private const int PageSize = 1 << PageShift;

    private readonly T[]?[] _pages = new T[]?[(capacity + PageSize - 1) >> PageShift];

    /// <summary>An entry whose page exists.</summary>
    public ref T this[int number] => ref _pages[number >> PageShift]![number & (PageSize - 1)];

    /// <summary>An entry, whose page is made when it is the first there.</summary>
    public ref T Claim(int number)
    {
        ref var page = ref _pages[number >> PageShift];
        page ??= new T[PageSize];
        return ref page[number & (PageSize - 1)];
    }
}
