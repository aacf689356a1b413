namespace Baton.Handoff.Messages;

/// <summary>
/// <see cref="FrozenState"/> as STATE's chunks carry it: version, three reserved bytes (zero), precopied bytes, lengths
/// of image and context, number of held packets; image, context; each held packet with its length before it.
/// </summary>
internal static class StateBody
{
    private const byte Version = 1;
    private const int FixedLength = 20;

    /// <summary>Bytes of the encoded form, or -1 when a limit forbids it.</summary>
    public static int Length(FrozenState state, HandoffLimits limits)
    {
        if (state.Context.Length > limits.MaxContextBytes || state.Held.Count > limits.MaxHeldPackets || state.PrecopiedBytes < 0)
        {
            return -1;
        }

        long total = (long)FixedLength + state.Image.Length + state.Context.Length;
        foreach (var packet in state.Held)
        {
            if (packet.Length is 0 or > HandoffLimits.MaxHeldPacketBytes)
            {
                return -1;
            }

            total += 4 + packet.Length;
        }

        return total + state.PrecopiedBytes <= limits.MaxStateBytes ? (int)total : -1;
    }

    /// <summary>Encodes into <paramref name="room"/>, which has <see cref="Length"/> bytes.</summary>
    public static void Write(FrozenState state, Span<byte> room)
    {
        var writer = new MessageWriter(room);
        writer.Byte(Version);
        writer.Byte(0);
        writer.UInt16(0);
        writer.UInt32((uint)state.PrecopiedBytes);
        writer.UInt32((uint)state.Image.Length);
        writer.UInt32((uint)state.Context.Length);
        writer.UInt32((uint)state.Held.Count);
        writer.Bytes(state.Image.Span);
        writer.Bytes(state.Context.Span);
        foreach (var packet in state.Held)
        {
            writer.UInt32((uint)packet.Length);
            writer.Bytes(packet.Span);
        }

        writer.End();
    }

    /// <summary>Decodes without copying: the parts are slices of <paramref name="bytes"/>. Null when malformed or beyond a limit.</summary>
    public static FrozenState? Read(ReadOnlyMemory<byte> bytes, HandoffLimits limits)
    {
        var reader = new MessageReader(bytes.Span);
        bool version = reader.Byte() == Version && reader.Byte() == 0 && reader.UInt16() == 0;
        int precopied = reader.Int32(limits.MaxStateBytes);
        int imageLength = reader.Int32(limits.MaxStateBytes);
        int contextLength = reader.Int32(limits.MaxContextBytes);
        int heldCount = reader.Int32(limits.MaxHeldPackets);
        reader.Take(imageLength);
        reader.Take(contextLength);
        int offset = FixedLength + imageLength + contextLength;

        // Each held packet has at least its length field, so the count is bounded by the bytes that are there.
        var held = new ReadOnlyMemory<byte>[Math.Min(heldCount, bytes.Length / 4)];
        bool heldFit = held.Length == heldCount;
        for (int i = 0; heldFit && i < held.Length; i++)
        {
            int length = reader.Int32(HandoffLimits.MaxHeldPacketBytes);
            heldFit = length > 0 && reader.Take(length).Length == length;
            held[i] = heldFit ? bytes.Slice(offset + 4, length) : default;
            offset += 4 + length;
        }

        if (!version || !heldFit || !reader.IsExact)
        {
            return null;
        }

        return new FrozenState
        {
            Image = bytes.Slice(FixedLength, imageLength),
            Context = bytes.Slice(FixedLength + imageLength, contextLength),
            Held = held,
            PrecopiedBytes = precopied,
        };
    }
}
