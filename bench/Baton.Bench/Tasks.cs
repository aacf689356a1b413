using System.Buffers.Binary;

namespace Baton.Bench;

/// <summary>What a server does with a connection; each is a port.</summary>
internal enum ServerTask
{
    /// <summary>Takes the pattern, compares it, and answers the end of the stream with a <see cref="SinkReport"/>.</summary>
    Sink = 7001,

    /// <summary>Sends the pattern until the client goes.</summary>
    Source = 7002,

    /// <summary>Gives back what comes; closes after the client.</summary>
    Echo = 7003,

    /// <summary>As <see cref="Echo"/>, for clients that come one after another; floods go here.</summary>
    Fresh = 7004,
}

/// <summary>What the receiver of an upload says at its end.</summary>
internal static class SinkReport
{
    public const int Length = 9;

    public static void Write(Span<byte> report, long bytes, bool intact)
    {
        BinaryPrimitives.WriteInt64BigEndian(report, bytes);
        report[8] = intact ? (byte)1 : (byte)0;
    }

    public static (long Bytes, bool Intact) Read(ReadOnlySpan<byte> report) => (BinaryPrimitives.ReadInt64BigEndian(report), report[8] == 1);
}
