using System.Buffers.Binary;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>What a channel receives: records, opened in strict order. One that is not the next ends the channel.</summary>
internal sealed class SealedInput(RecordKeys keys) : IDisposable
{
    private readonly byte[] _buffer = new byte[SealedOutput.MaxRecord];
    private int _received;
    private int _at;
    private int _open;

    /// <summary>Whether opened bytes wait.</summary>
    public bool HasContent => _open > 0;

    /// <summary>Bytes that the next record lacks, as far as is known yet; 0 while opened bytes wait.</summary>
    private int Missing => HasContent ? 0
        : _received < SealedOutput.HeaderLength ? SealedOutput.HeaderLength - _received
        : RecordLength - _received;

    private int ContentLength => BinaryPrimitives.ReadUInt16BigEndian(_buffer);

    private int RecordLength => SealedOutput.HeaderLength + ContentLength + RecordKeys.TagLength;

    /// <summary>Takes bytes of the connection until a record is whole, and opens it.</summary>
    /// <returns>False when it is none that the peer sent, or not in its place.</returns>
    public bool TryFill(TcpEndpoint endpoint, Instant now)
    {
        while (Missing is > 0 and int missing)
        {
            int read = endpoint.Read(now, _buffer.AsSpan(_received, missing));
            if (read == 0)
            {
                return true;
            }

            if (!TryAdd(read))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The same from memory; <paramref name="bytes"/> becomes what was not needed.</summary>
    public bool TryFill(ref ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && Missing is > 0 and int missing)
        {
            int length = Math.Min(missing, bytes.Length);
            bytes[..length].CopyTo(_buffer.AsSpan(_received));
            bytes = bytes[length..];
            if (!TryAdd(length))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes opened bytes, as many as there are and fit.</summary>
    public int Take(Span<byte> destination)
    {
        int length = Math.Min(_open, destination.Length);
        _buffer.AsSpan(_at, length).CopyTo(destination);
        _at += length;
        _open -= length;
        return length;
    }

    public void Dispose() => keys.Dispose();

    private bool TryAdd(int read)
    {
        _received += read;
        if (_received < SealedOutput.HeaderLength)
        {
            return true;
        }

        int content = ContentLength;
        if (content is 0 or > SealedOutput.MaxContent)
        {
            return false;
        }

        if (_received < RecordLength)
        {
            return true;
        }

        _received = 0;
        _at = SealedOutput.HeaderLength;
        var record = _buffer.AsSpan();
        if (!keys.TryOpen(record[..SealedOutput.HeaderLength], record.Slice(_at, content), record.Slice(_at + content, RecordKeys.TagLength)))
        {
            return false;
        }

        _open = content;
        return true;
    }
}
