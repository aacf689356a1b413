using System.Text.Json;

namespace Baton.Kestrel.Hubs;

/// <summary>
/// What a message of SignalR's JSON protocol says of the calls that run (SignalR HubProtocol.md). One ends with
/// <see cref="Separator"/>.
/// </summary>
/// <param name="Type">Its type; 0 when it has none, as the handshake.</param>
/// <param name="Id">The call it belongs to, or null.</param>
internal readonly record struct HubRecord(int Type, string? Id)
{
    public const byte Separator = 0x1E;

    public const int Invocation = 1, Completion = 3, StreamInvocation = 4, Close = 7;

    /// <summary>Reads a record without its separator. What is no JSON is the hub's or the client's to refuse: it is of type 0.</summary>
    public static HubRecord Read(ReadOnlySpan<byte> json)
    {
        int type = 0;
        string? id = null;
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                bool isType = reader.ValueTextEquals("type"u8), isId = reader.ValueTextEquals("invocationId"u8);
                reader.Read();
                if (isType && reader.TokenType == JsonTokenType.Number)
                {
                    type = reader.GetInt32();
                }
                else if (isId && reader.TokenType == JsonTokenType.String)
                {
                    id = reader.GetString();
                }
                else
                {
                    reader.Skip();
                }
            }

            return new HubRecord(type, id);
        }
        catch (Exception unreadable) when (unreadable is JsonException or FormatException or InvalidOperationException)
        {
            return default;
        }
    }

    /// <summary>Whether these are the bytes of a request for the JSON protocol, as the first message of a client.</summary>
    public static bool IsJsonHandshake(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty || message.IndexOf(Separator) != message.Length - 1)
        {
            return false;
        }

        var reader = new Utf8JsonReader(message[..^1]);
        try
        {
            return JsonElement.TryParseValue(ref reader, out var request)
                && request.Value.TryGetProperty("protocol"u8, out var protocol) && protocol.ValueEquals("json"u8);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
