using System.Collections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Baton.Kestrel;

/// <summary>
/// A connection's features: those that it is itself, and the few that others set, in the order in which they were. A
/// dictionary for each connection would be a twentieth of what an idle one occupies.
/// </summary>
internal sealed class ConnectionFeatures(BatonConnection connection) : IFeatureCollection
{
    private static readonly Type[] s_own =
    [
        typeof(IConnectionTransportFeature), typeof(IConnectionLifetimeFeature), typeof(IConnectionItemsFeature), typeof(IConnectionIdFeature),
        typeof(IConnectionEndPointFeature), typeof(IMemoryPoolFeature), typeof(IBatonConnectionFeature), typeof(BatonConnection),
    ];

    private KeyValuePair<Type, object?>[] _set = [];
    private int _count;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <inheritdoc/>
    public int Revision { get; private set; }

    /// <inheritdoc/>
    public object? this[Type key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            int at = IndexOf(key);
            return at >= 0 ? _set[at].Value : Array.IndexOf(s_own, key) >= 0 ? connection : null;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            int at = IndexOf(key);
            if (at < 0)
            {
                at = _count++;
                if (at == _set.Length)
                {
                    Array.Resize(ref _set, at + 4);
                }
            }

            _set[at] = new(key, value);
            Revision++;
        }
    }

    /// <inheritdoc/>
    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    /// <inheritdoc/>
    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        for (int at = 0; at < _count; at++)
        {
            if (_set[at].Value is { } value)
            {
                yield return new(_set[at].Key, value);
            }
        }

        foreach (var type in s_own)
        {
            if (IndexOf(type) < 0)
            {
                yield return new(type, connection);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(Type key)
    {
        for (int at = 0; at < _count; at++)
        {
            if (_set[at].Key == key)
            {
                return at;
            }
        }

        return -1;
    }
}
