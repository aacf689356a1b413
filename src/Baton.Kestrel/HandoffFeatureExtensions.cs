using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Baton.Kestrel;

/// <summary>State of a handler as an object, in JSON.</summary>
public static class HandoffFeatureExtensions
{
    private const string UsesReflection = "Use the overload with JsonTypeInfo.";

    /// <summary>The state the handler was left, or <paramref name="fresh"/> when it begins here.</summary>
    /// <exception cref="JsonException">The state is none of this type.</exception>
    [RequiresUnreferencedCode(UsesReflection)]
    [RequiresDynamicCode(UsesReflection)]
    public static T GetState<T>(this IHandoffFeature feature, T fresh) =>
        feature.State.IsEmpty ? fresh : JsonSerializer.Deserialize<T>(feature.State.Span)!;

    /// <inheritdoc cref="GetState{T}(IHandoffFeature, T)"/>
    public static T GetState<T>(this IHandoffFeature feature, T fresh, JsonTypeInfo<T> type) =>
        feature.State.IsEmpty ? fresh : JsonSerializer.Deserialize(feature.State.Span, type)!;

    /// <summary>Leaves <paramref name="state"/> to the next node's handler.</summary>
    [RequiresUnreferencedCode(UsesReflection)]
    [RequiresDynamicCode(UsesReflection)]
    public static void SetState<T>(this IHandoffFeature feature, T state) =>
        feature.State = JsonSerializer.SerializeToUtf8Bytes(state);

    /// <inheritdoc cref="SetState{T}(IHandoffFeature, T)"/>
    public static void SetState<T>(this IHandoffFeature feature, T state, JsonTypeInfo<T> type) =>
        feature.State = JsonSerializer.SerializeToUtf8Bytes(state, type);
}
