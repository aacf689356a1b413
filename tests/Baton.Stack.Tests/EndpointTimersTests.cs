using Baton.Wire;

namespace Baton.Stack.Tests;

public sealed class EndpointTimersTests
{
    [Fact]
    public void Deadlines_come_in_order_however_they_are_set_changed_and_taken_away()
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            var random = new Random(seed);
            var host = Host.AtHome();
            var endpoints = Enumerable.Range(1, 100)
                .Select(port => (Endpoint)host.Stack.BindUdp(Instant.Zero, new FourTuple(Host.Node, (ushort)port, Host.Client, 1))!)
                .ToArray();
            var timers = new EndpointTimers();
            var expected = new Dictionary<Endpoint, Instant>();
            for (int step = 0; step < 2000; step++)
            {
                var endpoint = endpoints[random.Next(endpoints.Length)];
                var deadline = random.Next(5) == 0 ? Instant.Never : new Instant(random.Next(1000));
                timers.Set(endpoint, deadline);
                expected[endpoint] = deadline;
                Assert.Equal(expected.Values.Min(i => i.Ticks), timers.NextDeadline.Ticks);
                if (random.Next(10) == 0)
                {
                    var now = new Instant(random.Next(200));
                    while (timers.TryTakeDue(now, out var due))
                    {
                        Assert.Equal(expected.Values.Min(i => i.Ticks), expected[due].Ticks);
                        expected[due] = Instant.Never;
                    }

                    Assert.True(timers.NextDeadline > now, $"seed {seed}");
                }
            }

            Assert.Equal(expected.Values.Count(i => i != Instant.Never), timers.Count);
        }
    }
}
