using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Baton.Testing;
using Baton.Wire;

namespace Baton.Link.Tests;

/// <summary>Tests that look at the whole process: no other runs meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone in the process";
}

/// <summary>What happens to an interface under an XDP link, and what is left of the link.</summary>
[Collection(Alone.Name)]
public sealed class XdpFaultTests
{
    private static readonly ConcurrentDictionary<string, MacAddress> s_addresses = [];

    [BpfFact]
    public void When_the_interface_was_down_frames_pass_again_both_ways()
    {
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        using var link = OpenCable(kernel, space, ringLength: 2048);
        using var socket = OpenSocket(kernel, link);
        AssertPasses(link, kernel, socket);

        TestNamespace.Ip("-n", space.Name, "link", "set", "dev", "right", "down");
        for (int i = 0; i < 10; i++)
        {
            Send(link, kernel);
            link.Flush();
            link.Receive(new Inbox(), 64);
        }

        // Frames wait, and nobody is kept from sleeping by them.
        var before = MonotonicClock.Now;
        link.Flush();
        Assert.True(link.NextDeadline - before >= TimeSpan.FromMilliseconds(20));
        Assert.NotEqual(Instant.Never, link.NextDeadline);

        TestNamespace.Ip("-n", space.Name, "link", "set", "dev", "right", "up");
        link.Flush();
        Assert.Equal(Instant.Never, link.NextDeadline);
        while (socket.Poll(100_000, SelectMode.SelectRead))
        {
            socket.Receive(new byte[2048]);
        }

        AssertPasses(link, kernel, socket);
        int taken = 0;
        while (Send(link, kernel))
        {
            taken++;
        }

        Assert.Equal(2048, taken);
    }

    [BpfFact]
    public void While_the_cable_carries_nothing_frames_are_lost_and_none_is_kept()
    {
        const int length = 64;
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        using var link = OpenCable(kernel, space, length);
        using var socket = OpenSocket(kernel, link);
        TestNamespace.Ip("-n", kernel.Name, "link", "set", "dev", "left", "down");
        for (int i = 0; i < 3 * length; i++)
        {
            Assert.True(Send(link, kernel));
            link.Flush();
        }

        Assert.Equal(Instant.Never, link.NextDeadline);
        TestNamespace.Ip("-n", kernel.Name, "link", "set", "dev", "left", "up");
        TestNamespace.Ip("-n", kernel.Name, "neighbour", "replace", "192.0.2.2", "lladdr", link.Address.ToString(), "dev", "left", "nud", "permanent");
        AssertPasses(link, kernel, socket);
    }

    [BpfFact]
    public void Frames_that_nobody_takes_are_counted_and_then_others_arrive()
    {
        const int length = 64;
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        using var link = OpenCable(kernel, space, length);
        using var socket = OpenSocket(kernel, link);
        for (int i = 0; i < 3 * length; i++)
        {
            socket.SendTo(new byte[] { 1 }, new IPEndPoint(IPAddress.Parse("192.0.2.2"), 4000));
        }

        var inbox = new Inbox();
        using var poll = new PollSet(1);
        poll.Add(link.WaitDescriptor);
        while (inbox.Received.Count + link.Counters.Missed < 3 * length)
        {
            link.Receive(inbox, 64);
        }

        Assert.Equal(length, inbox.Received.Count);
        AssertPasses(link, kernel, socket);
    }

    [BpfFact]
    public void When_no_memory_is_left_for_frames_it_says_full_and_all_of_it_comes_back()
    {
        const int length = 64;
        using var kernel = new TestNamespace();
        using var space = new TestNamespace();
        using var link = OpenCable(kernel, space, length);
        for (int round = 0; round < 50; round++)
        {
            int taken = 0;
            while (Send(link, kernel))
            {
                Assert.True(++taken <= length, "more frames than there is memory for");
            }

            Assert.Equal(length, taken);
            link.Flush();
        }

        Assert.Equal(50 * length, link.Counters.Sent);
        Assert.Equal(50, link.Counters.Full);
    }

    [BpfFact]
    public void Nothing_of_a_link_and_its_program_is_left_in_the_process()
    {
        using var space = new TestNamespace();
        space.AddVethPair("front", "client");
        space.AddVethPair("lan", "others");
        OpenAndClose(space);
        int before = Descriptors();
        for (int i = 0; i < 5; i++)
        {
            OpenAndClose(space);
        }

        Assert.Equal(before, Descriptors());
    }

    /// <summary>Maps, programs and attachments that are open, and rings that are mapped.</summary>
    private static int Descriptors() =>
        Directory.GetFiles("/proc/self/fd").Select(path => new FileInfo(path).LinkTarget ?? "").Count(target => target.Contains("bpf", StringComparison.Ordinal))
        + File.ReadLines("/proc/self/maps").Count(line => line.Contains("socket:", StringComparison.Ordinal));

    private static void OpenAndClose(TestNamespace space)
    {
        var links = LinkChoice.OpenBoth(
            new() { Kind = LinkKind.Xdp, Name = "front", Namespace = space.Name },
            new() { Kind = LinkKind.Xdp, Name = "lan", Namespace = space.Name },
            new NicOptions { Flows = 16, Endpoints = 16 });
        links.Front.Link.Dispose();
        links.Lan.Link.Dispose();
        links.Nic!.Dispose();
    }

    private static XdpLink OpenCable(TestNamespace kernel, TestNamespace space, int ringLength)
    {
        kernel.AddVethPair("left", "right", space);
        TestNamespace.Run("ip", "netns", "exec", kernel.Name, "ethtool", "-K", "left", "tx", "off");
        return XdpLink.Open(new XdpOptions { Name = "right", Namespace = space.Name, RingLength = ringLength });
    }

    private static Socket OpenSocket(TestNamespace kernel, XdpLink link)
    {
        kernel.AddAddress("left", "192.0.2.1/24");
        TestNamespace.Ip("-n", kernel.Name, "neighbour", "add", "192.0.2.2", "lladdr", link.Address.ToString(), "dev", "left", "nud", "permanent");
        var socket = kernel.Open(SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4000));
        return socket;
    }

    private static bool Send(XdpLink link, TestNamespace kernel) =>
        link.TrySend(FrameOffload.None, Frames.Udp(link.Address, AddressOf(kernel), 4000, 100), default);

    private static MacAddress AddressOf(TestNamespace kernel) => s_addresses.GetOrAdd(kernel.Name, name => NetworkNamespace.Run(name, () =>
    {
        using var left = new KernelInterface("left");
        return left.Address;
    }));

    private static void AssertPasses(XdpLink link, TestNamespace kernel, Socket socket)
    {
        using var poll = new PollSet(1);
        poll.Add(link.WaitDescriptor);
        var inbox = new Inbox();
        socket.SendTo(new byte[] { 1, 2, 3 }, new IPEndPoint(IPAddress.Parse("192.0.2.2"), 4000));
        while (inbox.Received.Count == 0)
        {
            Assert.True(poll.Wait(10_000_000_000) > 0, "nothing came");
            link.Receive(inbox, 64);
        }

        Assert.True(Send(link, kernel));
        link.Flush();
        Assert.Equal(100, socket.Receive(new byte[2048]));
    }
}
