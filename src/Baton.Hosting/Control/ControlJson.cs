using System.Text.Json;
using System.Text.Json.Serialization;

namespace Baton.Hosting;

/// <summary>How the control API's messages are written.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FarmView))]
[JsonSerializable(typeof(ConnectionsView))]
[JsonSerializable(typeof(IReadOnlyList<HandoffView>))]
[JsonSerializable(typeof(IReadOnlyList<ForwardingView>))]
[JsonSerializable(typeof(IReadOnlyList<PlacementView>))]
[JsonSerializable(typeof(MoveCommand))]
[JsonSerializable(typeof(MoveView))]
[JsonSerializable(typeof(DrainView))]
[JsonSerializable(typeof(TakeoverCommand))]
[JsonSerializable(typeof(TakeoverView))]
[JsonSerializable(typeof(CaptureCommand))]
[JsonSerializable(typeof(IReadOnlyList<CaptureView>))]
[JsonSerializable(typeof(ErrorView))]
[JsonSerializable(typeof(FarmQuestion))]
public sealed partial class ControlJson : JsonSerializerContext;
