using System.Text.Json;
using System.Text.Json.Serialization;

namespace Baton.Node.Demo;

/// <summary>How the report is written as JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(DemoReport))]
internal sealed partial class DemoJson : JsonSerializerContext;
