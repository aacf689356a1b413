using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>Where the flow's endpoint lives: local, forward or unknown.</summary>
internal static class NicDecision
{
    public static void Decide(NicCode nic)
    {
        var code = nic.Code;
        var service = new Label("service");
        var unknown = new Label("unknown");
        code.Place(nic.Lookup);
        nic.LoadNumber(R1, NicCode.AddressKind);
        code.JumpIf(R1, When.Equal, (int)NicAddressKind.Service, service);
        nic.JumpUp(NicVerdict.Host);

        code.Place(service);
        code.Lookup(nic.Maps.Flows, NicCode.Key, unknown);
        code.Move(R9, R0);
        code.Load(Width.Word, R1, R9, NicFlow.KindOffset);
        code.JumpIf(R1, When.Equal, (int)VerdictKind.Forward, nic.Forward);
        code.JumpIf(R1, When.NotEqual, (int)VerdictKind.Local, nic.Undecided);
        code.Load(Width.Word, R1, R9, NicFlow.EpochOffset);
        nic.KeepNumber(NicCode.MetadataEpoch, R1);
        code.Load(Width.Double, R1, R9, NicFlow.IdOffset);
        code.Store(Width.Double, R10, NicCode.MetadataId, R1);
        nic.JumpUp(NicVerdict.Local);

        code.Place(unknown);
        LimitSyn(nic);
        nic.JumpUp(NicVerdict.Unknown);
    }

    /// <summary>
    /// SYNs that begin a flow, per source: an IPv4 address or an IPv6 network of 64 bits. Each moves the source's time on
    /// by the interval; one whose time lies further ahead than a burst is dropped. Established flows never get here.
    /// </summary>
    private static void LimitSyn(NicCode nic)
    {
        var code = nic.Code;
        var fine = new Label("within the limit");
        var v4 = new Label("an IPv4 source");
        var fresh = new Label("a new source");
        var judge = new Label("judge");
        nic.LoadNumber(R1, NicCode.IsSyn);
        code.JumpIf(R1, When.Equal, 0, fine);
        code.StoreConstant(Width.Word, R10, NicCode.Index, 0);
        code.Lookup(nic.Maps.SynLimit, NicCode.Index, fine);
        code.Load(Width.Double, R9, R0, 0);
        code.JumpIf(R9, When.Equal, 0, fine);
        code.Load(Width.Double, R7, R0, 8);
        code.Copy(R10, NicCode.Source, R10, NicCode.Remote, 16);
        code.Load(Width.Double, R1, R10, NicCode.Source);
        code.JumpIf(R1, When.Equal, 0, v4);
        code.StoreConstant(Width.Double, R10, NicCode.Source + 8, 0);
        code.Place(v4);
        code.Call(KernelFunction.MonotonicTime);
        code.Move(R8, R0);
        code.Store(Width.Double, R10, NicCode.SynTime, R8);
        code.Lookup(nic.Maps.SynSources, NicCode.Source, fresh);
        code.Load(Width.Double, R1, R0, 0);
        code.JumpIf(R1, When.Greater, R8, judge);
        code.Move(R1, R8);
        code.Place(judge);
        code.Add(R7, R8);
        code.JumpIf(R1, When.Greater, R7, nic.Drop(DropReason.RateLimited));
        code.Add(R1, R9);
        code.Store(Width.Double, R0, 0, R1);
        code.Jump(fine);

        code.Place(fresh);
        code.Add(R8, R9);
        code.Store(Width.Double, R10, NicCode.SynTime, R8);
        code.LoadMap(R1, nic.Maps.SynSources);
        code.Move(R2, R10);
        code.Add(R2, NicCode.Source);
        code.Move(R3, R10);
        code.Add(R3, NicCode.SynTime);
        code.Move(R4, 0);
        code.Call(KernelFunction.MapUpdate);
        code.Place(fine);
    }
}
