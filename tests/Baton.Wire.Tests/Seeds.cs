namespace Baton.Wire.Tests;

/// <summary>Seeded randomness. BATON_SEED replays a run; the seed stands in every failure.</summary>
internal static class Seeds
{
    private static readonly int Base =
        int.TryParse(Environment.GetEnvironmentVariable("BATON_SEED"), out int seed) ? seed : 20261121;

    /// <summary>Runs <paramref name="body"/> with one generator per round, and names the round's seed when it fails.</summary>
    public static void Run(int rounds, Action<Random> body)
    {
        for (int round = 0; round < rounds; round++)
        {
            int seed = Base + round;
            try
            {
                body(new Random(seed));
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"Replay with BATON_SEED={seed}: {failure.Message}", failure);
            }
        }
    }

    public static byte[] Bytes(this Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    public static uint NextUInt(this Random random) => (uint)random.NextInt64(1L << 32);

    public static ushort NextUShort(this Random random) => (ushort)random.Next(1 << 16);

    public static bool NextBool(this Random random) => random.Next(2) == 0;

    public static MacAddress NextMac(this Random random) => new((ulong)random.NextInt64(1L << 48));

    public static SeqNum NextSeq(this Random random) => new(random.NextUInt());

    public static InetAddress NextAddress(this Random random, AddressFamily family)
    {
        if (family == AddressFamily.V4)
        {
            return InetAddress.FromV4(random.NextUInt());
        }

        var bytes = random.Bytes(16);
        bytes[0] = 0x20;
        return InetAddress.FromBytes(bytes);
    }

    public static AddressFamily NextFamily(this Random random) => random.NextBool() ? AddressFamily.V4 : AddressFamily.V6;

    public static TcpHeader NextTcpHeader(this Random random)
    {
        var options = default(TcpOptions);
        if (random.NextBool())
        {
            options.Mss = random.NextUShort();
        }

        if (random.NextBool())
        {
            options.WindowScale = (byte)random.Next(15);
        }

        options.SackPermitted = random.NextBool();
        if (random.NextBool())
        {
            options.HasTimestamps = true;
            options.TimestampValue = random.NextUInt();
            options.TimestampEcho = random.NextUInt();
        }

        for (int blocks = random.Next(5); blocks > 0; blocks--)
        {
            options.TryAddSack(new(random.NextSeq(), random.NextSeq()));
        }

        return new TcpHeader
        {
            SourcePort = random.NextUShort(),
            DestinationPort = random.NextUShort(),
            Sequence = random.NextSeq(),
            Acknowledgment = random.NextSeq(),
            Flags = (TcpFlags)random.Next(512),
            Window = random.NextUShort(),
            UrgentPointer = random.NextUShort(),
            Options = options,
        };
    }

    public static Reference NextReference(this Random random)
    {
        var family = random.NextFamily();
        bool tcp = random.NextBool();
        var tuple = new FourTuple(random.NextAddress(family), random.NextUShort(), random.NextAddress(family), random.NextUShort());
        return new(
            new(tcp ? IpProtocol.Tcp : IpProtocol.Udp, tuple),
            new((ulong)random.NextInt64()),
            new(random.NextUInt()),
            random.NextAddress(random.NextFamily()),
            random.NextUShort(),
            tcp ? new(random.NextSeq(), random.NextSeq(), random.NextSeq(), random.NextSeq(), random.NextSeq()) : null);
    }
}
