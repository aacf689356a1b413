using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// A packet that another node forwarded: from a member, and with the epoch that this node issued for the endpoint that it
/// names. It goes up with its outer headers on, and the host checks the rest.
/// </summary>
internal static class NicEncapsulated
{
    private const int Geneve = UdpHeader.Length;
    private const int EpochOffset = Geneve + ReferenceCodec.EndpointIdOffset - 4;
    private const int IdOffset = Geneve + ReferenceCodec.EndpointIdOffset;

    public static void Check(NicCode nic)
    {
        var code = nic.Code;
        var unknown = new Label("no such endpoint");
        code.Place(nic.Encapsulated);
        code.Lookup(nic.Maps.Members, NicCode.Remote, nic.Drop(DropReason.NotMember));
        code.Require(R9, IdOffset + 8, nic.Undecided);
        code.LoadBigEndian(Width.Half, R1, R9, Geneve + GeneveHeader.Length);
        code.JumpIf(R1, When.NotEqual, ReferenceCodec.OptionClass, nic.Undecided);
        code.Load(Width.Double, R1, R9, IdOffset);
        code.Store(Width.Double, R10, NicCode.MetadataId, R1);
        code.Lookup(nic.Maps.Endpoints, NicCode.MetadataId, unknown);
        code.Load(Width.Word, R1, R0, 0);
        code.Load(Width.Word, R2, R9, EpochOffset);
        code.JumpIf(R1, When.NotEqual, R2, nic.Drop(DropReason.ReferenceMismatch));
        code.SwapToBigEndian(R2, 32);
        nic.KeepNumber(NicCode.MetadataEpoch, R2);

        // One that has left may have a tombstone: the host knows.
        code.Place(unknown);
        code.Load(Width.Double, R1, R10, NicCode.MetadataId);
        code.SwapToBigEndian(R1, 64);
        code.Store(Width.Double, R10, NicCode.MetadataId, R1);
        nic.JumpUp(NicVerdict.Encapsulated);
    }
}
