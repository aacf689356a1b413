using Baton.Wire;

namespace Baton.Membership.Tests;

public sealed class MemberListTests
{
    [Fact]
    public void Members_are_found_by_number_name_and_lan_address_and_stand_in_the_order_of_their_numbers()
    {
        var members = Farm.Members();

        Assert.Equal(["a", "b", "c"], members.Members.Select(member => member.Name));
        Assert.True(members.TryFind(Farm.B, out var b) && b.Name == "b");
        Assert.True(members.TryFind("c", out var c) && c.Id == Farm.C);
        Assert.Equal(Farm.B, members.AtLanAddress(InetAddress.Parse("192.0.2.2")));
        Assert.Equal(NodeId.None, members.AtLanAddress(InetAddress.Parse("198.51.100.12")));
        Assert.False(members.TryFind(new NodeId(9), out _));
        Assert.False(members.TryFind("d", out _));
    }

    [Fact]
    public void Everything_wrong_is_said_at_once_with_its_mend()
    {
        var a = Farm.Configured()[1];
        Member[] members = [a, a with { FrontAddress = InetAddress.Parse("198.51.100.19") }, a with { Id = default, Name = " ", Weight = 0 }];

        Assert.False(MemberList.TryCreate(members, out _, out var errors));

        string all = string.Join('\n', errors);
        Assert.Contains("the number 1 is there twice", all, StringComparison.Ordinal);
        Assert.Contains("the name a is there twice", all, StringComparison.Ordinal);
        Assert.Contains("the address 192.0.2.1 is there twice", all, StringComparison.Ordinal);
        Assert.Contains("has the number 0; write a number from 1 to 65535", all, StringComparison.Ordinal);
        Assert.Contains("has no name", all, StringComparison.Ordinal);
        Assert.Contains("has the weight 0", all, StringComparison.Ordinal);
        Assert.False(MemberList.TryCreate([], out _, out errors));
        Assert.Contains("there are 0; write 1 to 256", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_that_make_no_sense_are_said()
    {
        Assert.Empty(new LoadExchangeOptions().Errors());
        Assert.Equal(2, new LoadExchangeOptions { Interval = TimeSpan.Zero, SilentIntervals = 1 }.Errors().Count());
        Assert.Empty(new MoveRuleOptions().Errors());
        Assert.Equal(4, new MoveRuleOptions
        {
            MovesPerSecond = 0,
            MinimumGap = 1,
            MinimumDwell = TimeSpan.FromSeconds(-1),
            IdleUpTo = 9,
            OverloadedAbove = 9,
        }.Errors().Count());
    }
}
