using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Baton.Wire.Tests;

/// <summary>Wireshark's own program, with the project's dissector, reads every field of the reference (R19, R20).</summary>
public sealed class DissectorTests
{
    private static readonly string[] Fields =
    [
        "baton.version", "baton.flags.forwarded", "baton.flags.sequence_group", "baton.hops", "baton.protocol", "baton.epoch",
        "baton.endpoint", "baton.client.port", "baton.owner.port", "baton.service.port", "baton.iss", "baton.irs",
        "baton.snd_una", "baton.snd_nxt", "baton.rcv_nxt", "baton.client.ipv4", "baton.client.ipv6", "baton.service.ipv4",
        "baton.service.ipv6", "baton.owner.ipv4", "baton.owner.ipv6",
    ];

    [Fact]
    public void A_dissector_given_only_the_header_recovers_every_field()
    {
        var random = new Random(7);
        var references = Enumerable.Range(0, 50).Select(_ => random.NextReference()).ToArray();
        string capture = Path.Combine(Path.GetTempPath(), $"baton-reference-{Environment.ProcessId}.pcap");
        try
        {
            File.WriteAllBytes(capture, Pcap(references.Select(reference => Frame(in reference, random))));

            string[] lines = Tshark(capture);

            Assert.Equal(references.Select(Expected), lines);
        }
        finally
        {
            File.Delete(capture);
        }
    }

    private static string Expected(Reference reference)
    {
        var tuple = reference.Flow.Tuple;
        var sequence = reference.Sequence.GetValueOrDefault();
        return string.Join('|', string.Create(CultureInfo.InvariantCulture, $"1|1|{(reference.Sequence is null ? 0 : 1)}|4"),
            (int)reference.Flow.Protocol, reference.Epoch, "0x" + reference.Id, tuple.RemotePort, reference.OwnerPort,
            tuple.LocalPort, sequence.Iss, sequence.Irs, sequence.SndUna, sequence.SndNxt, sequence.RcvNxt,
            Columns(tuple.RemoteAddress), Columns(tuple.LocalAddress), Columns(reference.OwnerAddress));
    }

    private static string Columns(InetAddress address) => address.IsV4 ? $"{address}|" : $"|{address}";

    private static byte[] Frame(in Reference reference, Random random)
    {
        var tuple = reference.Flow.Tuple;
        byte[] inner = reference.Flow.Protocol == IpProtocol.Tcp
            ? Packets.Tcp(tuple.RemoteAddress, tuple.LocalAddress, new TcpHeader { SourcePort = tuple.RemotePort, DestinationPort = tuple.LocalPort, Flags = TcpFlags.Ack }, random.Bytes(20))
            : Packets.Udp(tuple.RemoteAddress, tuple.LocalAddress, tuple.RemotePort, tuple.LocalPort, random.Bytes(20));
        byte[] payload = [.. ReferenceCodec.Encode(in reference).Span, .. inner];
        var home = InetAddress.Parse(reference.OwnerAddress.IsV4 ? "192.0.2.1" : "2001:db8::1");
        byte[] outer = Packets.Udp(home, reference.OwnerAddress, 50000, GeneveHeader.Port, payload);
        var ethernet = new byte[EthernetHeader.Length];
        new EthernetHeader(new(2), new(1), EtherType.Of(home.Family)).Write(ethernet);
        return [.. ethernet, .. outer];
    }

    /// <summary>The classic capture format: a file header, then each frame behind its time and lengths.</summary>
    private static byte[] Pcap(IEnumerable<byte[]> frames)
    {
        const int ethernet = 1;
        var file = new MemoryStream();
        void Word(uint value)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            file.Write(bytes);
        }

        Array.ForEach<uint>([0xA1B2_C3D4, 2 | 4 << 16, 0, 0, 65535, ethernet], Word);
        foreach (byte[] frame in frames)
        {
            Array.ForEach<uint>([0, 0, (uint)frame.Length, (uint)frame.Length], Word);
            file.Write(frame);
        }

        return file.ToArray();
    }

    private static string[] Tshark(string capture)
    {
        string script = Path.Combine(Checkout(), "tools", "wireshark", "baton-reference.lua");
        var start = new ProcessStartInfo("tshark", ["-X", $"lua_script:{script}", "-n", "-r", capture, "-T", "fields", "-E", "separator=|", .. Fields.SelectMany(field => new[] { "-e", field })])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var tshark = Process.Start(start)!;
            var errors = tshark.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string output = tshark.StandardOutput.ReadToEnd();
            tshark.WaitForExit();
            Assert.True(tshark.ExitCode == 0, errors.Result);
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Win32Exception)
        {
            Assert.Skip("tshark is not installed (Debian: apt-get install tshark).");
            return [];
        }
    }

    private static string Checkout()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Baton.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests run from outside a checkout.");
    }
}
