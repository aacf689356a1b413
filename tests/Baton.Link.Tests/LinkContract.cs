using System.Net;
using System.Net.Sockets;
using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>
/// What <see cref="ILink"/> promises, shown on a link whose other end is a kernel. A class of its own for each kind of
/// link says how it is opened.
/// </summary>
public abstract class LinkContract
{
    private const ushort Port = 4000;
    private static readonly InetAddress s_stack = InetAddress.Parse("192.0.2.2");
    private static readonly IPEndPoint s_stackEnd = new(IPAddress.Parse("192.0.2.2"), Port);

    /// <summary>Opens the link, and whatever it needs, in namespaces of its own.</summary>
    private protected abstract Setting Open();

    [RootFact]
    public void A_kernel_at_the_other_end_is_answered()
    {
        using var setting = Open();
        var host = new EchoHost(s_stack);
        setting.Kernel.AddAddress(setting.Device, "192.0.2.1/24");
        using (LinkThread.Serve(setting.Link, host))
        {
            for (ushort i = 1; i <= 20; i++)
            {
                Ping.Send(setting.Kernel, "192.0.2.2", i, payloadLength: i * 70);
            }
        }

        Assert.NotEmpty(host.AskedBy);
        Assert.DoesNotContain(setting.Link.Address, host.AskedBy);
    }

    [RootTheory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(1472)]
    public void A_frame_in_three_parts_arrives_as_one(int length)
    {
        using var setting = Open();
        using var kernel = setting.Talk();
        byte[] frame = setting.ToKernel(length);

        Send(setting.Link, FrameOffload.None, frame, 42, 42 + (length / 3));

        Assert.Equal(frame[42..], Read(kernel));
    }

    [RootFact]
    public void A_checksum_left_to_the_device_is_completed_on_the_way_out()
    {
        using var setting = Open();
        if (!setting.Link.Offloads.HasFlag(LinkOffloads.Checksum))
        {
            // Nothing is promised.
            return;
        }

        using var kernel = setting.Talk();
        byte[] frame = Frames.WithPartialUdpChecksum(setting.ToKernel(500));

        Send(setting.Link, new FrameOffload(ChecksumState.Partial, GsoType.None, 0), frame, 42, 42);

        Assert.Equal(frame[42..], Read(kernel));
    }

    [RootFact]
    public void A_super_frame_arrives_as_the_datagrams_that_it_holds()
    {
        using var setting = Open();
        if (!setting.Link.Offloads.HasFlag(LinkOffloads.Uso))
        {
            // Nothing is promised.
            return;
        }

        using var kernel = setting.Talk();
        byte[] frame = Frames.WithPartialUdpChecksum(setting.ToKernel(2500));

        Send(setting.Link, new FrameOffload(ChecksumState.Partial, GsoType.UdpL4, 1000), frame, 42, 1000);

        Assert.Equal([frame[42..1042], frame[1042..2042], frame[2042..]], [Read(kernel), Read(kernel), Read(kernel)]);
    }

    [RootFact]
    public void What_the_kernel_sends_has_the_checksum_that_its_state_says()
    {
        using var setting = Open();
        using var kernel = setting.Talk();
        using var poll = new PollSet(1);
        poll.Add(setting.Link.WaitDescriptor);
        byte[] sent = [.. Enumerable.Range(0, 1400).Select(i => (byte)(i * 7))];

        kernel.SendTo(sent, s_stackEnd);

        var (offload, frame) = Assert.Single(ReceiveUdp(setting.Link, poll, 1));
        Assert.Equal(sent, frame[42..]);
        Assert.Equal(GsoType.None, offload.Gso);
        byte[] whole = [.. frame];
        if (offload.Checksum == ChecksumState.Partial)
        {
            Assert.Equal(DropReason.None, Segmentation.CompleteChecksum(whole.AsSpan(14)));
        }

        Assert.True(offload.Checksum == ChecksumState.Verified || Frames.HasRightUdpChecksum(whole));
    }

    [RootFact]
    public void No_more_frames_are_given_than_asked_for_and_the_rest_waits()
    {
        using var setting = Open();
        using var kernel = setting.Talk();
        using var poll = new PollSet(1);
        poll.Add(setting.Link.WaitDescriptor);
        for (byte i = 0; i < 10; i++)
        {
            kernel.SendTo([i], s_stackEnd);
        }

        var inbox = new Inbox();
        while (inbox.Received.Count < 10)
        {
            Assert.True(poll.Wait(10_000_000_000) > 0, $"only {inbox.Received.Count} frames came");
            int before = inbox.Received.Count;
            Assert.Equal(setting.Link.Receive(inbox, 3), inbox.Received.Count - before);
            Assert.InRange(inbox.Received.Count - before, 0, 3);
        }

        Assert.Equal(Enumerable.Range(0, 10), inbox.Received.Select(received => (int)received.Frame[42]));
        Assert.Equal(0, setting.Link.Receive(inbox, 3));
        Assert.Equal(0, poll.Wait(0));
    }

    [RootFact]
    public void Many_frames_of_one_burst_arrive_in_order()
    {
        using var setting = Open();
        using var kernel = setting.Talk();
        byte[][] frames = [.. Enumerable.Range(0, 100).Select(i => setting.ToKernel(100 + i, first: (byte)i))];

        foreach (byte[] frame in frames)
        {
            while (!setting.Link.TrySend(FrameOffload.None, frame.AsSpan(0, 42), frame.AsSpan(42)))
            {
                setting.Link.Flush();
            }
        }

        setting.Link.Flush();
        foreach (byte[] frame in frames)
        {
            Assert.Equal(frame[42..], Read(kernel));
        }
    }

    [RootFact]
    public void A_frame_that_the_device_cannot_carry_is_dropped_and_the_next_is_sent()
    {
        using var setting = Open();
        using var kernel = setting.Talk();
        byte[] good = setting.ToKernel(100);

        Send(setting.Link, FrameOffload.None, setting.ToKernel(60_000), 42, 42);
        Send(setting.Link, FrameOffload.None, good, 42, 42);

        Assert.Equal(good[42..], setting.CutsWhatIsTooLong ? ReadUntil(kernel, good.Length - 42) : Read(kernel));
    }

    [RootFact]
    public void A_deleted_interface_is_an_error_and_not_silence()
    {
        using var setting = Open();

        TestNamespace.Ip("-n", setting.Cable.Namespace.Name, "link", "delete", setting.Cable.Device);

        // A link that can look without asking the kernel asks it from time to time.
        Assert.Throws<LinkException>(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                setting.Link.Receive(new Inbox(), 1);
            }
        });
    }

    [RootFact]
    public void Disposing_twice_is_as_good_as_once()
    {
        using var setting = Open();
        setting.Link.Dispose();
        setting.Link.Dispose();
    }

    private static void Send(ILink link, FrameOffload offload, byte[] frame, int headers, int payload)
    {
        Assert.True(link.TrySend(offload, frame.AsSpan(0, headers), frame.AsSpan(headers, payload - headers), frame.AsSpan(payload)));
        link.Flush();
    }

    private static byte[] Read(Socket kernel)
    {
        byte[] buffer = new byte[65536];
        return buffer[..kernel.Receive(buffer)];
    }

    private static byte[] ReadUntil(Socket kernel, int length)
    {
        byte[] read;
        do
        {
            read = Read(kernel);
        }
        while (read.Length != length);
        return read;
    }

    private static List<(FrameOffload Offload, byte[] Frame)> ReceiveUdp(ILink link, PollSet poll, int count)
    {
        var inbox = new Inbox();
        while (inbox.Received.Count < count)
        {
            Assert.True(poll.Wait(10_000_000_000) > 0, "nothing came");
            link.Receive(inbox, 64);
        }

        return inbox.Received;
    }

    /// <summary>A link, the kernel at its other end and that kernel's interface.</summary>
    private protected sealed record Setting(ILink Link, TestNamespace Kernel, string Device, params IDisposable[] Others) : IDisposable
    {
        /// <summary>The interface at the other end of the link's cable: the kernel's, unless there is something between.</summary>
        public (string Device, TestNamespace Namespace) Cable { get; init; } = (Device, Kernel);

        /// <summary>Whether frames longer than the MTU pass this device all the same.</summary>
        public bool CutsWhatIsTooLong { get; init; }

        /// <summary>A UDP socket of the kernel's, which knows the stack's Ethernet address without asking.</summary>
        public Socket Talk()
        {
            Kernel.AddAddress(Device, "192.0.2.1/24");
            TestNamespace.Ip("-n", Kernel.Name, "neighbour", "add", "192.0.2.2", "lladdr", Link.Address.ToString(), "dev", Device);
            var socket = Kernel.Open(SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), Port));
            return socket;
        }

        /// <summary>A UDP frame for that socket with a complete checksum.</summary>
        public byte[] ToKernel(int payloadLength, byte first = 0)
        {
            var address = NetworkNamespace.Run(Kernel.Name, () =>
            {
                using var kernel = new KernelInterface(Device);
                return kernel.Address;
            });
            return Frames.Udp(Link.Address, address, Port, payloadLength, first);
        }

        public void Dispose()
        {
            Link.Dispose();
            foreach (var other in Others)
            {
                other.Dispose();
            }

            Kernel.Dispose();
        }
    }
}
