using Baton.Tcp;
using Baton.Wire;

namespace Baton.Stack;

/// <summary>What a service's endpoints do otherwise than others.</summary>
/// <param name="Tcp">Its connections' settings, from those that all have; null: the same.</param>
/// <param name="TrafficClass">DSCP in the upper six bits of what is sent.</param>
/// <param name="HopLimit">TTL or hop limit of what is sent.</param>
public sealed record ServiceProfile(Func<TcpSettings, TcpSettings>? Tcp, byte TrafficClass = 0, byte HopLimit = Ipv4Header.DefaultTtl);
