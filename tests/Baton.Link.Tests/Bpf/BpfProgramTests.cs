using Baton.Link.Bpf;
using Baton.Testing;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Tests.Bpf;

public sealed class BpfProgramTests
{
    private readonly byte[] _packet = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];

    [BpfFact]
    public void What_the_verifier_refuses_is_an_error_with_its_log()
    {
        var code = new Assembler();
        code.BeginXdp();
        code.Load(Width.Byte, R0, R7, 0);
        code.Exit();

        var error = Assert.Throws<LinkException>(() => BpfProgram.Load("baton_unsafe", code.Assemble()));

        Assert.Contains("baton_unsafe", error.Message, StringComparison.Ordinal);
        Assert.Contains("invalid access to packet", error.Message, StringComparison.Ordinal);
    }

    [BpfFact]
    public void A_program_reads_the_packet_behind_a_check_of_its_length()
    {
        var code = new Assembler();
        var tooShort = new Label("too short");
        code.BeginXdp();
        code.Require(R7, 40, tooShort);
        code.Load(Width.Byte, R0, R7, 39);
        code.And(R0, 3);
        code.Exit();
        code.Place(tooShort);
        code.Return(XdpAction.Drop);
        using var program = BpfProgram.Load("baton_test", code.Assemble());

        Assert.Equal((XdpAction)(39 & 3), program.Run(_packet).Action);
        Assert.Equal(XdpAction.Drop, program.Run(_packet.AsSpan(0, 39)).Action);
    }

    [BpfFact]
    public void A_program_changes_the_packet_and_puts_metadata_before_it()
    {
        var code = new Assembler();
        var end = new Label("end");
        code.BeginXdp();
        code.Move(R1, R6);
        code.Move(R2, -8);
        code.Call(KernelFunction.AdjustMetadata);
        code.JumpIf(R0, When.NotEqual, 0, end);
        code.LoadPacket();
        code.Load(Width.Word, R9, R6, 8);
        code.Move(R1, R9);
        code.Add(R1, 8);
        code.JumpIf(R1, When.Greater, R7, end);
        code.LoadConstant(R2, 0x8877_6655_4433_2211);
        code.Store(Width.Double, R9, 0, R2);
        code.Require(R7, 14, end);
        code.StoreConstant(Width.Half, R7, 12, 0x3412);
        code.Place(end);
        code.Return(XdpAction.Pass);
        using var program = BpfProgram.Load("baton_test", code.Assemble());

        var run = program.Run(_packet);

        Assert.Equal([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88], run.Metadata);
        Assert.Equal([.. _packet[..12], 0x12, 0x34, .. _packet[14..]], run.Packet);
    }

    [BpfFact]
    public void A_programs_counters_are_read_as_sums_over_the_processors()
    {
        using var counters = new PerCpuCounters("baton_test", 4);
        var code = new Assembler();
        code.Count(counters, 2, keyOffset: -4);
        code.Return(XdpAction.Pass);
        using var program = BpfProgram.Load("baton_test", code.Assemble());

        for (int i = 0; i < 10; i++)
        {
            program.Run(_packet);
        }

        Assert.Equal([0, 0, 10, 0], Enumerable.Range(0, 4).Select(i => counters[i]));
    }

    [BpfFact]
    public void A_program_looks_up_what_was_written_to_its_map()
    {
        using var map = new BpfMap<uint, uint>(BpfMapKind.Hash, "baton_test", 10);
        var code = new Assembler();
        var missing = new Label("missing");
        code.BeginXdp();
        code.Require(R7, 14, missing);
        code.Load(Width.Word, R2, R7, 0);
        code.Store(Width.Word, R10, -4, R2);
        code.Lookup(map, -4, missing);
        code.Load(Width.Word, R0, R0, 0);
        code.Exit();
        code.Place(missing);
        code.Return(XdpAction.Drop);
        using var program = BpfProgram.Load("baton_test", code.Assemble());

        Assert.Equal(XdpAction.Drop, program.Run(_packet).Action);
        map.TryWrite(0x03020100, (uint)XdpAction.Transmit);
        Assert.Equal(XdpAction.Transmit, program.Run(_packet).Action);
    }
}
