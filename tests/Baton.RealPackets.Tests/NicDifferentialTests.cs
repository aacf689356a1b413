using System.Globalization;
using System.Runtime.InteropServices;
using Baton.Link;
using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Testing;
using Baton.Wire;

namespace Baton.RealPackets.Tests;

/// <summary>The program on the interface decides as the director does, byte for byte.</summary>
public sealed class NicDifferentialTests(ITestOutputHelper output)
{
    private const int Vlan = 5;

    /// <summary>How many; BATON_NIC_PACKETS says another number, BATON_NIC_SEED another seed.</summary>
    private static readonly int s_packets = Number("BATON_NIC_PACKETS", QuickForm.Or(1_000_000, quick: 20_000));
    private static readonly int s_seed = Number("BATON_NIC_SEED", Random.Shared.Next());

    [BpfFact]
    public void Random_and_mutated_packets_have_the_directors_verdict_and_the_directors_bytes()
    {
        output.WriteLine($"seed {s_seed}, {s_packets} packets");
        var random = new Random(s_seed);
        using var maps = new NicMaps(new NicLimits());
        using var program = NicProgram.Load(maps, NicModel.Mac);
        using var tagged = NicProgram.Load(maps, NicModel.Mac, Vlan);
        var model = new NicModel(maps, random);
        var frames = new NicFrames(model, random);
        var seen = new Dictionary<string, int>();
        for (int i = 0; i < s_packets; i++)
        {
            byte[] frame = frames.Next();
            var expected = model.Expect(frame);
            long drops = expected.Verdict is null ? maps.Count(expected.Reason) : 0;
            var run = program.Run(frame);
            string outcome = Check(frame, expected, run, expected.Verdict is null && maps.Count(expected.Reason) == drops + 1);
            CollectionsMarshal.GetValueRefOrAddDefault(seen, outcome, out _)++;
            if (i % 8 == 0)
            {
                var again = tagged.Run(NicFrames.Tagged(frame, Vlan));
                Assert.Equal((run.Action, run.Metadata, run.Action == XdpAction.Pass ? NicFrames.Tagged(frame, Vlan) : run.Packet), (again.Action, again.Metadata, again.Packet), SameRun);
                Assert.Equal(XdpAction.Pass, tagged.Run(NicFrames.Tagged(frame, Vlan + 1)).Action);
            }
        }

        foreach (var (outcome, count) in seen.OrderByDescending(pair => pair.Value))
        {
            output.WriteLine($"{count,9} {outcome}");
        }

        // All that can be decided has been, at length.
        string[] all = [.. Enum.GetNames<NicVerdict>(), nameof(DropReason.Truncated), nameof(DropReason.IpBadChecksum), nameof(DropReason.IpBadOptions),
            nameof(DropReason.IpSourceRoute), nameof(DropReason.IpBadHeaderLength), nameof(DropReason.IpBadFragment),
            nameof(DropReason.IpTooManyExtensionHeaders), nameof(DropReason.NotMember), nameof(DropReason.ReferenceMismatch)];
        Assert.All(all, outcome => Assert.True(seen.GetValueOrDefault(outcome) > 0, $"no packet was {outcome}"));
    }

    /// <returns>What became of the frame.</returns>
    private static string Check(byte[] frame, NicExpectation expected, XdpRun run, bool counted)
    {
        string about = $"seed {s_seed}, frame {Convert.ToHexString(frame)}, expected {expected.Verdict} {expected.Reason}, got {run.Action} {Convert.ToHexString(run.Metadata)}";
        if (run.Action == XdpAction.Pass)
        {
            Assert.True(expected.Verdict == NicVerdict.Kernel && run.Packet.AsSpan().SequenceEqual(frame), about);
            return nameof(NicVerdict.Kernel);
        }

        if (run.Action == XdpAction.Transmit)
        {
            Assert.True(expected.Verdict == NicVerdict.Forwarded && run.Packet.AsSpan().SequenceEqual(expected.Forwarded),
                $"{about}\n{Convert.ToHexString(run.Packet)}\n{Convert.ToHexString(expected.Forwarded ?? [])}");
            return nameof(NicVerdict.Forwarded);
        }

        // There is no socket, so what is handed up is dropped; what was said of it stands before it.
        Assert.True(run.Action == XdpAction.Drop, about);
        if (run.Metadata.Length == 0)
        {
            Assert.True(expected.IsLoose || (expected.Verdict is null && counted), about);
            return expected.Verdict is null ? expected.Reason.ToString() : "malformed reference";
        }

        var metadata = MemoryMarshal.Read<NicMetadata>(run.Metadata);
        Assert.True(metadata.Verdict is not null && Untrimmed(frame, run.Packet), about);
        if (metadata.Verdict == NicVerdict.Undecided)
        {
            Assert.True(expected.Verdict == NicVerdict.Undecided || expected.MayBeUndecided || expected.IsLoose, about);
            return nameof(NicVerdict.Undecided);
        }

        Assert.True(metadata.Verdict == expected.Verdict, about);
        Assert.True(expected.IsLoose || (metadata.Id == expected.Id.Value && metadata.Epoch == expected.Epoch.Value), about);
        return metadata.Verdict.ToString()!;
    }

    private static bool Untrimmed(byte[] frame, byte[] packet) => packet.AsSpan().SequenceEqual(frame);

    private static bool SameRun((XdpAction Action, byte[] Metadata, byte[] Packet) left, (XdpAction Action, byte[] Metadata, byte[] Packet) right) =>
        left.Action == right.Action && left.Metadata.AsSpan().SequenceEqual(right.Metadata)
        && (left.Metadata.Length == 0 && left.Action == XdpAction.Drop || left.Packet.AsSpan().SequenceEqual(right.Packet));

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : otherwise;
}
