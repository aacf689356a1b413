using System.Diagnostics.CodeAnalysis;
using Baton.Wire;

namespace Baton.Membership;

/// <summary>The members of the farm by configuration, in the order of their numbers. Does not change.</summary>
public sealed class MemberList
{
    /// <summary>The most members of a farm: each speaks to each several times a second.</summary>
    public const int MaxMembers = 256;

    private readonly Member[] _members;
    private readonly Dictionary<InetAddress, Member> _byLanAddress = [];
    private readonly Dictionary<NodeId, int> _positions = [];

    private MemberList(Member[] members)
    {
        _members = members;
        for (int position = 0; position < members.Length; position++)
        {
            _positions[members[position].Id] = position;
            _byLanAddress[members[position].LanAddress] = members[position];
        }
    }

    /// <summary>The members, in the order of their numbers.</summary>
    public IReadOnlyList<Member> Members => _members;

    /// <summary>How many there are.</summary>
    public int Count => _members.Length;

    /// <summary>Builds the list, or says everything that is wrong with it and what to write instead.</summary>
    public static bool TryCreate(
        IEnumerable<Member> members, [NotNullWhen(true)] out MemberList? list, out IReadOnlyList<string> errors)
    {
        Member[] ordered = [.. members.OrderBy(member => member.Id)];
        var found = new List<string>();
        if (ordered.Length is 0 or > MaxMembers)
        {
            found.Add($"members: there are {ordered.Length}; write 1 to {MaxMembers}.");
        }

        foreach (var member in ordered)
        {
            Check(member, found);
        }

        FindTwice(ordered, "number", member => [member.Id.ToString()], found);
        FindTwice(ordered, "name", member => [member.Name], found);
        FindTwice(ordered, "address", Addresses, found);
        errors = found;
        list = found.Count == 0 ? new MemberList(ordered) : null;
        return list is not null;
    }

    /// <summary>The member of that number.</summary>
    public bool TryFind(NodeId id, [NotNullWhen(true)] out Member? member)
    {
        int position = PositionOf(id);
        member = position < 0 ? null : _members[position];
        return position >= 0;
    }

    /// <summary>The member of that name.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out Member? member)
    {
        member = Array.Find(_members, candidate => candidate.Name == name);
        return member is not null;
    }

    /// <summary>The member at a lan address: who an encapsulated packet or a datagram of the load exchange comes from.</summary>
    public NodeId AtLanAddress(InetAddress address) =>
        _byLanAddress.TryGetValue(address, out var member) ? member.Id : NodeId.None;

    /// <summary>A member's position in <see cref="Members"/>, or -1.</summary>
    internal int PositionOf(NodeId id) => _positions.GetValueOrDefault(id, -1);

    private static void Check(Member member, List<string> errors)
    {
        if (member.Id == NodeId.None)
        {
            errors.Add($"members: '{member.Name}' has the number 0; write a number from 1 to 65535.");
        }

        if (string.IsNullOrWhiteSpace(member.Name))
        {
            errors.Add($"members: number {member.Id} has no name; give each member a name of its own.");
        }

        if (member.Weight == 0)
        {
            errors.Add($"members: '{member.Name}' has the weight 0; write 1 to 65535, or drain it.");
        }
    }

    private static IEnumerable<string> Addresses(Member member) =>
        member.ServiceAddresses.Append(member.LanAddress).Append(member.FrontAddress).Select(address => address.ToString());

    private static void FindTwice(
        Member[] members, string what, Func<Member, IEnumerable<string>> values, List<string> errors)
    {
        var twice = members.SelectMany(values).GroupBy(value => value, StringComparer.Ordinal).Where(group => group.Count() > 1);
        errors.AddRange(twice.Select(group => $"members: the {what} {group.Key} is there twice; each member needs one of its own."));
    }
}
