namespace Baton.Link;

/// <summary>Numbers of the pcapng format (draft-ietf-opsawg-pcapng) that the writer and the reader share.</summary>
internal static class PcapngFormat
{
    public const uint SectionHeader = 0x0A0D0D0A;
    public const uint InterfaceDescription = 1;
    public const uint SimplePacket = 3;
    public const uint InterfaceStatistics = 5;
    public const uint EnhancedPacket = 6;

    public const uint ByteOrderMagic = 0x1A2B3C4D;
    public const ushort LinkTypeEthernet = 1;

    /// <summary>Type and length before, length after the body.</summary>
    public const int BlockOverhead = 12;

    /// <summary>Bytes of an enhanced packet block before its data: type, length, interface, time (8), captured, original.</summary>
    public const int EnhancedPacketHeader = 28;

    public const ushort OptionEnd = 0;
    public const ushort OptionApplication = 4;
    public const ushort OptionInterfaceName = 2;
    public const ushort OptionInterfaceAddress = 6;
    public const ushort OptionTimeResolution = 9;
    public const ushort OptionTimeOffset = 14;
    public const ushort OptionPacketFlags = 2;
    public const ushort OptionReceived = 4;
    public const ushort OptionDropped = 5;
    public const ushort OptionDelivered = 8;

    /// <summary>if_tsresol: timestamps count 10^-9 s.</summary>
    public const byte Nanoseconds = 9;

    public static int Padded(int length) => (length + 3) & ~3;
}
