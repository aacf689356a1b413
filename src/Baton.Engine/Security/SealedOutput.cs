using System.Buffers.Binary;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>What a channel sends, as records: length of the content (2 bytes), content, tag (16 bytes).</summary>
internal sealed class SealedOutput(RecordKeys keys) : IDisposable
{
    /// <summary>Bytes of a record before its content.</summary>
    public const int HeaderLength = 2;

    /// <summary>Most bytes of a record's content.</summary>
    public const int MaxContent = 16 * 1024;

    /// <summary>Most bytes of a record.</summary>
    public const int MaxRecord = HeaderLength + MaxContent + RecordKeys.TagLength;

    private readonly byte[] _record = new byte[MaxRecord];
    private int _filled;

    /// <summary>Sends a message in three parts, in as many records as it takes.</summary>
    /// <returns>The bytes that it takes on the connection.</returns>
    public int Send(
        OutgoingMessages outgoing, TcpEndpoint endpoint, Instant now, ReadOnlySpan<byte> header, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        int sent = Fill(outgoing, endpoint, now, header) + Fill(outgoing, endpoint, now, first) + Fill(outgoing, endpoint, now, second);
        return sent + Emit(outgoing, endpoint, now);
    }

    /// <summary>Seals one record into <paramref name="record"/>, whose content stands at its place; returns its length.</summary>
    public static int Seal(RecordKeys keys, Span<byte> record, int content)
    {
        BinaryPrimitives.WriteUInt16BigEndian(record, (ushort)content);
        keys.Seal(record[..HeaderLength], record.Slice(HeaderLength, content), record.Slice(HeaderLength + content, RecordKeys.TagLength));
        return HeaderLength + content + RecordKeys.TagLength;
    }

    public void Dispose() => keys.Dispose();

    private int Fill(OutgoingMessages outgoing, TcpEndpoint endpoint, Instant now, ReadOnlySpan<byte> part)
    {
        int sent = 0;
        while (!part.IsEmpty)
        {
            int length = Math.Min(part.Length, MaxContent - _filled);
            part[..length].CopyTo(_record.AsSpan(HeaderLength + _filled));
            part = part[length..];
            _filled += length;
            if (_filled == MaxContent)
            {
                sent += Emit(outgoing, endpoint, now);
            }
        }

        return sent;
    }

    private int Emit(OutgoingMessages outgoing, TcpEndpoint endpoint, Instant now)
    {
        if (_filled == 0)
        {
            return 0;
        }

        int length = Seal(keys, _record, _filled);
        _filled = 0;
        outgoing.Send(endpoint, now, _record.AsSpan(0, length), default, default);
        return length;
    }
}
