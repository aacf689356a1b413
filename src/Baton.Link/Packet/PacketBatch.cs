using System.Runtime.InteropServices;

namespace Baton.Link;

/// <summary>struct mmsghdr: struct msghdr, and the length that recvmmsg(2) and sendmmsg(2) return with it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    public void* Name;
    public uint NameLength;
    public IoVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public long Flags;
    public uint Transferred;
}

/// <summary>
/// A number of equal buffers and the messages that name them: what one call of recvmmsg(2) fills or one of sendmmsg(2)
/// sends. Native memory, so its addresses stay.
/// </summary>
internal sealed unsafe class PacketBatch : IDisposable
{
    private readonly byte* _buffers;
    private readonly IoVector* _vectors;
    private readonly MessageHeader* _messages;
    private bool _disposed;

    public PacketBatch(int count, int bufferLength)
    {
        Count = count;
        BufferLength = bufferLength;
        _buffers = (byte*)NativeMemory.AlignedAlloc((nuint)(count * bufferLength), 64);
        _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(IoVector));
        _messages = (MessageHeader*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(MessageHeader));
        for (int i = 0; i < count; i++)
        {
            _vectors[i] = new IoVector { Base = _buffers + ((nint)i * bufferLength), Length = (nuint)bufferLength };
            _messages[i] = new MessageHeader { Vectors = _vectors + i, VectorCount = 1 };
        }
    }

    public int Count { get; }

    public int BufferLength { get; }

    /// <summary>One buffer.</summary>
    public Span<byte> this[int number] => new(_buffers + ((nint)number * BufferLength), BufferLength);

    /// <summary>Bytes that the last receive put into a buffer.</summary>
    public int ReceivedLength(int number) => (int)_messages[number].Transferred;

    /// <summary>Says how much of a buffer is to be sent.</summary>
    public void SetLength(int number, int length) => _vectors[number].Length = (nuint)length;

    /// <summary>One frame is read by the call that costs least.</summary>
    /// <returns>How many buffers were filled, from the first on; -1 for an error.</returns>
    public int Receive(int descriptor, int limit)
    {
        if (limit > 1)
        {
            return Syscalls.ReceiveMessages(descriptor, _messages, (uint)Math.Min(limit, Count), Syscalls.MSG_DONTWAIT, null);
        }

        nint read = Syscalls.ReceiveFrom(descriptor, _buffers, (nuint)BufferLength, Syscalls.MSG_DONTWAIT, null, null);
        _messages[0].Transferred = (uint)Math.Max(0, read);
        return read < 0 ? -1 : 1;
    }

    /// <summary>One frame is sent by the call that costs least.</summary>
    /// <returns>How many buffers were sent; -1 for an error with the first.</returns>
    public int Send(int descriptor, int first, int count) =>
        count > 1 ? Syscalls.SendMessages(descriptor, _messages + first, (uint)count, Syscalls.MSG_DONTWAIT)
        : Syscalls.SendTo(descriptor, _vectors[first].Base, _vectors[first].Length, Syscalls.MSG_DONTWAIT, null, 0) < 0 ? -1
        : 1;

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            NativeMemory.AlignedFree(_buffers);
            NativeMemory.Free(_vectors);
            NativeMemory.Free(_messages);
        }
    }
}
