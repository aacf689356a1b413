using Baton.Link.Bpf;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link.Nic;

/// <summary>
/// Reads an IPv6 header and its extension headers (RFC 8200): the same checks as <see cref="IpPacket"/>. Options other than
/// padding, and what a host answers with an ICMP error, are left to the host.
/// </summary>
internal static class NicIpv6
{
    private const int HopByHop = 0, Routing = 43, Fragment = 44, Authentication = 51, DestinationOptions = 60;

    public static void Read(NicCode nic)
    {
        const int sourceOffset = 8, destinationOffset = 24;
        var code = nic.Code;
        code.Place(nic.Ipv6);
        code.Require(R9, Ipv6Header.Length, nic.Kernel);
        code.Load(Width.Byte, R1, R9, 0);
        code.ShiftRight(R1, 4);
        code.JumpIf(R1, When.NotEqual, 6, nic.Kernel);
        code.Copy(R10, NicCode.Local, R9, destinationOffset, 16);
        code.Copy(R10, NicCode.Remote, R9, sourceOffset, 16);
        nic.LookUpAddress(nic.Kernel);
        nic.KeepNumber(NicCode.AddressKind, R1);
        code.LoadBigEndian(Width.Half, R2, R9, 4);
        code.Add(R2, Ipv6Header.Length);
        nic.KeepNumber(NicCode.TotalLength, R2);
        nic.LoadNumber(R3, NicCode.FrameLength);
        code.Subtract(R3, nic.IpOffset);
        code.JumpIf(R2, When.Greater, R3, nic.Drop(DropReason.Truncated));
        WalkExtensionHeaders(nic);
        RefuseMapped(nic, NicCode.Remote);
        RefuseMapped(nic, NicCode.Local);
        ToTransport(nic);
    }

    /// <summary>R1 is the next header's kind, R2 where it starts, R0 the packet's length.</summary>
    private static void WalkExtensionHeaders(NicCode nic)
    {
        var code = nic.Code;
        var done = new Label("extension headers read");
        code.Load(Width.Byte, R1, R9, 6);
        code.Move(R2, Ipv6Header.Length);
        nic.LoadNumber(R0, NicCode.TotalLength);
        for (int i = 0; i <= IpPacket.MaxExtensionHeaders; i++)
        {
            var extension = new Label("extension header");
            var authentication = new Label("authentication");
            var next = new Label("next header");
            code.And(R2, 0x7FFF);
            foreach (int kind in (int[])[HopByHop, Routing, Fragment, Authentication, DestinationOptions])
            {
                code.JumpIf(R1, When.Equal, kind, extension);
            }

            code.Jump(done);
            code.Place(extension);
            if (i == IpPacket.MaxExtensionHeaders)
            {
                code.Jump(nic.Drop(DropReason.IpTooManyExtensionHeaders));
                break;
            }

            code.Move(R3, R2);
            code.Add(R3, 8);
            code.JumpIf(R3, When.Greater, R0, nic.Drop(DropReason.Truncated));

            // Fragments, atomic ones too (RFC 6946), are the host's.
            code.JumpIf(R1, When.Equal, Fragment, nic.Undecided);
            code.Move(R3, R9);
            code.Add(R3, R2);
            code.Require(R3, 8, nic.Undecided);
            if (i > 0)
            {
                // RFC 8200 §4.1: directly after the IPv6 header or not at all.
                code.JumpIf(R1, When.Equal, HopByHop, nic.Undecided);
            }

            // RFC 5095: segments left at a host that is not a router of the path.
            var noRoute = new Label("no source route");
            code.JumpIf(R1, When.NotEqual, Routing, noRoute);
            code.Load(Width.Byte, R4, R3, 3);
            code.JumpIf(R4, When.NotEqual, 0, nic.Undecided);
            code.Place(noRoute);

            // RFC 4302 §2.2: AH counts in 32-bit words less two, the others in 64-bit words less one.
            code.Load(Width.Byte, R4, R3, 1);
            code.JumpIf(R1, When.Equal, Authentication, authentication);
            code.Add(R4, 1);
            code.ShiftLeft(R4, 3);
            code.Jump(next);
            code.Place(authentication);
            code.Add(R4, 2);
            code.ShiftLeft(R4, 2);
            code.Place(next);
            code.Add(R2, R4);
            code.JumpIf(R2, When.Greater, R0, nic.Drop(DropReason.Truncated));
            CheckPadding(nic);
            code.Load(Width.Byte, R1, R3, 0);
        }

        code.Place(done);
        nic.KeepNumber(NicCode.Protocol, R1);
        nic.KeepNumber(NicCode.HeaderLength, R2);
    }

    /// <summary>Options must be one PadN that fills the header (RFC 8200 §4.2). R3 is at the header, R4 is its length.</summary>
    private static void CheckPadding(NicCode nic)
    {
        const int padN = 1, before = 4;
        var code = nic.Code;
        var options = new Label("options");
        var fine = new Label("padding");
        code.JumpIf(R1, When.Equal, HopByHop, options);
        code.JumpIf(R1, When.NotEqual, DestinationOptions, fine);
        code.Place(options);
        code.Load(Width.Byte, R5, R3, 2);
        code.JumpIf(R5, When.NotEqual, padN, nic.Undecided);
        code.Load(Width.Byte, R5, R3, 3);
        code.Add(R5, before);
        code.JumpIf(R5, When.NotEqual, R4, nic.Undecided);
        code.Place(fine);
    }

    /// <summary>RFC 4291 §2.5.5.2: such addresses never stand on a wire; here they would name IPv4 flows.</summary>
    private static void RefuseMapped(NicCode nic, int place)
    {
        var code = nic.Code;
        var fine = new Label("no mapped address");
        code.Load(Width.Double, R1, R10, place);
        code.JumpIf(R1, When.NotEqual, 0, fine);
        code.Load(Width.Word, R1, R10, place + 8);
        code.JumpIfWord(R1, When.Equal, 0xFFFF_0000, nic.Drop(DropReason.IpMartianSource));
        code.Place(fine);
    }

    private static void ToTransport(NicCode nic)
    {
        var code = nic.Code;
        var ports = new Label("ports");
        nic.LoadNumber(R1, NicCode.Protocol);
        nic.LoadNumber(R2, NicCode.HeaderLength);
        code.And(R2, 0x7FFF);
        code.Add(R9, R2);
        code.JumpIf(R1, When.Equal, (int)IpProtocol.IcmpV6, nic.IcmpV6);
        code.JumpIf(R1, When.Equal, (int)IpProtocol.Tcp, ports);
        code.JumpIf(R1, When.NotEqual, (int)IpProtocol.Udp, nic.Undecided);
        code.Place(ports);
        nic.LoadNumber(R3, NicCode.TotalLength);
        code.Subtract(R3, R2);
        code.JumpIf(R3, When.Less, 4, nic.Drop(DropReason.Truncated));
        code.Jump(nic.Transport);
    }
}
