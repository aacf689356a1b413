using Baton.Link.Bpf;
using Baton.Link.Nic;
using Baton.Wire;
using static Baton.Link.Bpf.Register;

namespace Baton.Link;

/// <summary>An interface with a program on it that hands frames to XDP sockets, queue by queue.</summary>
internal sealed class XdpDevice : IDisposable
{
    private readonly NicInterface? _nic;
    private readonly BpfMap<uint, int> _sockets;
    private readonly BpfProgram _program;
    private readonly XdpAttachment _attachment;
    private int _links;

    /// <summary>Loads a program and attaches it.</summary>
    /// <param name="name">The interface's name.</param>
    /// <param name="index">Its number.</param>
    /// <param name="place">Where the program is to run.</param>
    /// <param name="nic">What the NIC program knows; null for the program that hands over all frames.</param>
    /// <param name="space">The interface's network namespace, by name or path; null for the process's own.</param>
    /// <param name="address">The interface's Ethernet address.</param>
    /// <param name="vlan">The VLAN whose frames come here, without their tag; 0 for frames as they are.</param>
    /// <exception cref="LinkException">It cannot be attached there.</exception>
    public XdpDevice(string name, int index, XdpPlace place, NicInterface? nic, string? space, MacAddress address, int vlan)
    {
        _nic = nic;
        _sockets = nic?.Maps.Sockets ?? new(BpfMapKind.XdpSockets, "baton_sockets", capacity: 64);
        try
        {
            _program = nic is null ? BpfProgram.Load("baton_all", AllFrames(_sockets, vlan), multiBuffer: true) : NicProgram.Load(nic.Maps, address, vlan);
            _attachment = Attach(_program, name, index, place);
        }
        catch
        {
            _program?.Dispose();
            DisposeSockets();
            throw;
        }

        if (nic is not null)
        {
            (nic.Index, nic.Namespace, nic.Vlan, nic.Queues) = (index, space, vlan, []);
        }
    }

    /// <summary>Where the program runs.</summary>
    public XdpMode Mode => _attachment.Mode;

    /// <summary>From now on the frames of a socket's queue go to it.</summary>
    /// <returns>What the NIC program says of them; null without that program.</returns>
    public NicQueue? Connect(XdpSocket socket)
    {
        _sockets.TryWrite((uint)socket.Queue, socket.Descriptor);
        _links++;
        if (_nic is null)
        {
            return null;
        }

        var queue = new NicQueue();
        _nic.Queues = [.. _nic.Queues, queue];
        return queue;
    }

    /// <summary>A link is about to close; the last one takes the program with it. Any thread.</summary>
    public void Disconnect()
    {
        if (Interlocked.Decrement(ref _links) == 0)
        {
            Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _nic?.Index = 0;
        _attachment.Dispose();
        _program.Dispose();
        DisposeSockets();
    }

    private void DisposeSockets()
    {
        if (_nic is null)
        {
            _sockets.Dispose();
        }
    }

    /// <summary>Every frame of a queue that has a socket goes there, the others to the kernel; of a VLAN only its frames.</summary>
    private static IReadOnlyList<Instruction> AllFrames(IBpfMap sockets, int vlan)
    {
        const int queueOffset = 16;
        var code = new Assembler();
        var kernel = new Label("kernel");
        var failed = new Label("tag stays");
        code.BeginXdp();
        if (vlan != 0)
        {
            code.Require(R7, EthernetHeader.Length + VlanTag.Length, kernel);
            VlanTag.Check(code, vlan, kernel);
            VlanTag.TakeOff(code, failed);
        }

        code.Load(Width.Word, R2, R6, queueOffset);
        code.LoadMap(R1, sockets);
        code.Move(R3, (int)XdpAction.Pass);
        code.Call(KernelFunction.RedirectMap);
        code.Exit();
        if (vlan != 0)
        {
            code.Place(kernel);
            code.Return(XdpAction.Pass);
            code.Place(failed);
            code.Return(XdpAction.Drop);
        }

        return code.Assemble();
    }

    private static XdpAttachment Attach(BpfProgram program, string name, int index, XdpPlace place)
    {
        if (place == XdpPlace.Generic)
        {
            return XdpAttachment.Attach(program, name, index, XdpMode.Generic);
        }

        try
        {
            return XdpAttachment.Attach(program, name, index, XdpMode.Native);
        }
        catch (LinkException e) when (place == XdpPlace.Any && e.Error is Syscalls.EOPNOTSUPP or Syscalls.EINVAL or Syscalls.ERANGE)
        {
            return XdpAttachment.Attach(program, name, index, XdpMode.Generic);
        }
    }
}
