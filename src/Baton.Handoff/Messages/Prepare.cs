using System.Text;

using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>
/// S→T: reserve and make an embryo. Said again when the channel was re-made, it asks where T is; the answer is
/// <see cref="Prepared"/>, <see cref="Ready"/>, <see cref="Done"/> or <see cref="Reject"/>. Without an application's name it only asks:
/// a target that does not know the handoff makes no embryo.
/// </summary>
internal readonly record struct Prepare(
    MessageHeader Header, NodeId Home, EndpointId Endpoint, int ExpectedStateBytes, string ApplicationName, ReadOnlyMemory<byte> Options)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Whether it only asks.</summary>
    public bool IsQuestion => ApplicationName.Length == 0;

    public static byte[] Write(HandoffRequest request) => Write(request, request.ApplicationName, request.Options.Span);

    public static byte[] WriteQuestion(HandoffRequest request) => Write(request, string.Empty, []);

    public static bool TryRead(in MessageHeader header, MessageReader body, out Prepare message)
    {
        var home = body.Node();
        var endpoint = new EndpointId(body.UInt64());
        int expected = body.Int32(int.MaxValue);
        var name = body.Take(body.Byte());
        int optionsLength = body.UInt16();
        var options = body.Take(optionsLength);
        message = default;
        if (!body.IsExact || optionsLength > HandoffLimits.MaxOptionsBytes || !System.Text.Unicode.Utf8.IsValid(name))
        {
            return false;
        }

        message = new(header, home, endpoint, expected, Utf8.GetString(name), options.ToArray());
        return true;
    }

    /// <summary>Whether a name can travel: 1 to <see cref="HandoffLimits.MaxApplicationNameBytes"/> bytes of well-formed UTF-8.</summary>
    public static bool IsName(string name)
    {
        try
        {
            return Utf8.GetByteCount(name) is > 0 and <= HandoffLimits.MaxApplicationNameBytes;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private static byte[] Write(HandoffRequest request, string applicationName, ReadOnlySpan<byte> options)
    {
        int nameLength = Utf8.GetByteCount(applicationName);
        var header = new MessageHeader(MessageKind.Prepare, request.Id, request.Epoch, request.Flow);
        var message = header.Allocate(2 + 8 + 4 + 1 + nameLength + 2 + options.Length, out var body);
        body.UInt16(request.Home.Value);
        body.UInt64(request.Endpoint.Value);
        body.UInt32((uint)request.ExpectedStateBytes);
        body.Byte((byte)nameLength);
        body.Bytes(Utf8.GetBytes(applicationName));
        body.UInt16((ushort)options.Length);
        body.Bytes(options);
        body.End();
        return message;
    }
}
