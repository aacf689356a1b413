using System.Net.Security;
using System.Security.Authentication;
using Baton.Engine;
using Baton.Hosting;

namespace Baton.RealPackets.Tests;

/// <summary>R36: who is no member can neither hand over nor accept, whatever it shows; a member can.</summary>
public sealed class SecurityTests(RealNetwork network)
{
    [RealFact]
    public async Task Only_who_proves_to_be_the_member_at_its_address_is_accepted_and_can_hand_off()
    {
        using var certificates = new Certificates();
        var shown = RealNetwork.NodeNames.ToDictionary(name => name, name => (IPeerAuthenticator?)certificates.OfFarm(name));
        await using var farm = await RealFarm.StartAsync(network, new FarmSetup { AuthenticatorOf = name => shown[name] });
        await farm.ServeTagsAsync("web");
        var client = await farm.ConnectAsync();
        Assert.Equal("a 1 one", await client.AskAsync("one"));
        await farm.MoveAsync(RealFarm.FlowOf(client), farm.C);
        Assert.Equal("c 2 two", await client.AskAsync("two"));
        await farm.MoveAsync(RealFarm.FlowOf(client), farm.A);
        Assert.Equal("a 3 three", await client.AskAsync("three"));
        foreach (var node in farm.Nodes)
        {
            Assert.DoesNotContain((await node.Engine.CountersAsync()).PeersRefused, refused => refused.Key != nameof(PeerRefusal.Unreachable));
        }

        var intruders = new (IPeerAuthenticator? Shows, PeerRefusal? Counted)[]
        {
            (certificates.OfAnotherFarm("c"), PeerRefusal.UnknownAuthority),
            (new WithoutCertificate(), PeerRefusal.NoCertificate),
            (certificates.OfFarm("b"), PeerRefusal.WrongName),
            (null, null),
        };
        foreach (var (shows, counted) in intruders)
        {
            shown["c"] = shows;
            await farm.RestartAsync(farm.C);
            await farm.ServeTagsAsync("web", farm.C);
            await Wait.UntilAsync(() => HasRefusedAsync(farm.A, counted), $"{counted} at a");
            await Wait.UntilAsync(() => HasRefusedAsync(farm.B, counted), $"{counted} at b");

            Assert.False(IsMember(farm.A, "c") || IsMember(farm.B, "c") || IsMember(farm.C, "a") || IsMember(farm.C, "b"));
            Assert.True(IsMember(farm.A, "b") && IsMember(farm.B, "a"));
            var (owner, endpoint) = await farm.OwnerAsync(RealFarm.FlowOf(client));
            Assert.False((await owner.Engine.MoveAsync(endpoint.Id, "c", Wait.Patience())).Moved);
            await farm.MoveAsync(RealFarm.FlowOf(client), owner == farm.A ? farm.B : farm.A);
        }

        shown["c"] = certificates.OfFarm("c");
        await farm.RestartAsync(farm.C);
        await farm.ServeTagsAsync("web", farm.C);
        await Wait.UntilAsync(() => farm.Nodes.TrueForAll(node => RealNetwork.NodeNames.All(name => IsMember(node, name))));
        await farm.MoveAsync(RealFarm.FlowOf(client), farm.C);
        Assert.Equal("c 4 four", await client.AskAsync("four"));
    }

    private static bool IsMember(RealNode at, string name) => at.Engine.Members.Single(member => member.Name == name).Reachable;

    /// <summary>Whether a node has refused somebody for that reason; without one, dropped what nobody has sealed.</summary>
    private static async ValueTask<bool> HasRefusedAsync(RealNode at, PeerRefusal? reason)
    {
        var counters = await at.Engine.CountersAsync();
        return reason is { } named
            ? counters.PeersRefused.GetValueOrDefault(named.ToString()) > 0
            : counters.Drops.GetValueOrDefault("MessageUnauthentic") > 3;
    }

    /// <summary>Speaks TLS, believes everybody, and shows nothing.</summary>
    private sealed class WithoutCertificate : IPeerAuthenticator
    {
        public async ValueTask<Stream> AuthenticateAsync(Stream stream, string peer, bool initiates, CancellationToken cancellationToken)
        {
            if (!initiates)
            {
                throw new PeerRefusedException(PeerRefusal.NoCertificate, "it has none to show");
            }

            var tls = new SslStream(stream);
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = peer,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
                },
                cancellationToken);
            return tls;
        }
    }

    /// <summary>The certificates of this farm and of another one.</summary>
    private sealed class Certificates : IDisposable
    {
        private readonly List<IDisposable> _owned = [];
        private readonly string _directory = Directory.CreateTempSubdirectory("baton-real-").FullName;

        public TlsPeerAuthenticator OfFarm(string node) => Make("farm", node);

        public TlsPeerAuthenticator OfAnotherFarm(string node) => Make("another", node);

        public void Dispose()
        {
            _owned.ForEach(one => one.Dispose());
            Directory.Delete(_directory, recursive: true);
        }

        private TlsPeerAuthenticator Make(string farm, string node)
        {
            string folder = Path.Combine(_directory, farm);
            using var authority = Directory.Exists(folder)
                ? FarmAuthority.Open(folder, TimeProvider.System)
                : FarmAuthority.Create(folder, TimeSpan.FromDays(1), TimeProvider.System);
            authority.Issue(node, TimeSpan.FromDays(1), replace: true);
            var errors = new List<string>();
            var certificates = FarmCertificates.Load(new BatonOptions { Node = node, Security = new() { Directory = folder } }, DateTimeOffset.UtcNow, errors);
            Assert.Empty(errors);
            _owned.Add(certificates!);
            return new TlsPeerAuthenticator(certificates!);
        }
    }
}
