using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Baton.Engine;
using Baton.Link;

namespace Baton.Endurance;

/// <summary>
/// The loop: a node is drained, and at any moment of that a node is killed and started again. Whatever was not the killed
/// node's goes on: no such connection is reset, and each gets the hash of exactly what it has sent.
/// </summary>
internal sealed class Endurance : IDisposable
{
    private const int ConnectingAtOnce = 512;
    private const int MostNamed = 20;
    private const double Finished = 0.02;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_longestBeforeKill = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestOff = TimeSpan.FromSeconds(3);

    private readonly Settings _settings;
    private readonly Network _network;
    private readonly List<NodeProcess> _nodes;
    private readonly List<Client> _clients = [];
    private readonly Random _random;
    private int _number, _rounds, _kills, _drains, _lost, _undecided, _exact, _moved;
    private long _bytes;

    private Endurance(Settings settings)
    {
        _settings = settings;
        _random = new Random(settings.Seed);
        _network = new Network(settings.Loss, settings.Seed);
        _nodes = [.. Network.Nodes.Select(name => new NodeProcess(_network.Switch, name))];
    }

    public static async Task<int> RunAsync(Settings settings)
    {
        using var run = new Endurance(settings);
        await run.RunAsync();
        return 0;
    }

    public void Dispose()
    {
        foreach (var node in _nodes)
        {
            node.Dispose();
        }

        _network.Dispose();
    }

    private async Task RunAsync()
    {
        Print($"{_settings.Connections} connections, {_settings.Loss:P1} of the client's frames lost each way, {_settings.Time.TotalMinutes:F1} minutes, seed {_settings.Seed}");
        _nodes.ForEach(static node => node.Start());
        await ReadyAsync();
        await ConnectAsync();
        var since = Stopwatch.StartNew();
        while (since.Elapsed < _settings.Time)
        {
            await RoundAsync(since.Elapsed);
        }

        await FinishAsync(_clients.Count);
        Print($"figures: minutes={since.Elapsed.TotalMinutes:F1} rounds={_rounds} drains={_drains} kills={_kills} moved={_moved} exact={_exact} ended_with_their_node={_lost} of_these_undecided={_undecided} echoed_bytes={_bytes} resets=0");
    }

    private async Task RoundAsync(TimeSpan at)
    {
        var owners = await OwnersAsync();
        foreach (var node in _nodes)
        {
            await node.AskAsync<bool>("mark");
        }

        var drained = _nodes[_random.Next(_nodes.Count)];
        var killed = _nodes[_random.Next(_nodes.Count)];
        await drained.AskAsync<bool>("drain");
        _drains++;
        await Task.Delay(s_longestBeforeKill * _random.NextDouble());
        await killed.KillAsync();
        _kills++;
        await Task.Delay(s_longestOff * _random.NextDouble());
        killed.Start();
        if (drained != killed)
        {
            await UntilAsync(async () => await drained.AskAsync<bool>("drained"), () => $"the drain of {drained.Name} does not end");
            await drained.AskAsync<bool>("resume");
        }

        await ReadyAsync();
        int lost = await AuditAsync(owners, drained, killed);
        _rounds++;
        Print($"{at.TotalSeconds,5:F0} s: {drained.Name} drained, {killed.Name} killed: {lost} connections ended with it, {_clients.Count} went on");
        await FinishAsync((int)(_clients.Count * Finished));
        await ConnectAsync();
    }

    /// <summary>Whoever is listed nowhere must have been the killed node's, and nobody else's connection may have failed.</summary>
    private async Task<int> AuditAsync(Dictionary<string, Owned> owners, NodeProcess drained, NodeProcess killed)
    {
        int number = _nodes.IndexOf(killed) + 1;
        var here = await ListedAsync();
        var last = new Dictionary<string, Owned>(owners);
        var told = new List<Told>();
        foreach (var node in _nodes.Where(node => node != killed))
        {
            told.AddRange(await node.AskAsync<Told[]>("handoffs"));
        }

        foreach (var handoff in told.Where(static handoff => handoff.Outcome == nameof(MoveOutcome.Moved)))
        {
            if (last.TryGetValue(handoff.Key, out var other) && other.Epoch < handoff.Epoch)
            {
                last[handoff.Key] = new(handoff.Key, handoff.Epoch, handoff.To);
            }
        }

        // What was on its way to a killed node that was its home as well may have been that one's: nobody else was told.
        var undecided = told.Where(handoff => handoff is { Role: nameof(HandoffRole.Source), Outcome: nameof(MoveOutcome.Closed) } && handoff.To == number)
            .Select(static handoff => handoff.Key).ToHashSet();
        var wrong = new List<string>();
        int lost = 0;
        foreach (var client in _clients.ToArray())
        {
            int before = owners[client.Key].Owner, owner = last[client.Key].Owner;
            _moved += owner != before ? 1 : 0;
            if (here.ContainsKey(client.Key) && !client.Running.IsCompleted)
            {
                continue;
            }

            // What it owned may have moved on to another node that could not tell it so any more: then that one lists it.
            if ((owner == number || undecided.Contains(client.Key)) && !here.ContainsKey(client.Key))
            {
                lost++;
                _undecided += owner == number ? 0 : 1;
                client.Forget();
                _clients.Remove(client);
                continue;
            }

            wrong.Add($"{client.Key}, at {Network.Nodes[before - 1]} before, last at {Network.Nodes[owner - 1]}, listed {here.ContainsKey(client.Key)}: {client.State}; {string.Join(", ", told.Where(handoff => handoff.Key == client.Key))}");
        }

        _lost += lost;
        if (wrong.Count == 0)
        {
            return lost;
        }

        foreach (var node in _nodes)
        {
            wrong.Add($"{node.Name}: {await node.AskAsync<Counted>("counters")}");
            wrong.AddRange(await node.AskAsync<string[]>("homes"));
        }

        throw new EnduranceException($"{drained.Name} drained, {killed.Name} killed; not the killed node's, and ended: {Named(wrong)}");
    }

    /// <summary>The number of the node that has each connection, once each is at exactly one and none is under way.</summary>
    private async Task<Dictionary<string, Owned>> OwnersAsync()
    {
        Dictionary<string, Owned> owners = [];
        await UntilAsync(
            async () =>
            {
                owners = await ListedAsync();
                return _clients.TrueForAll(client => owners.ContainsKey(client.Key));
            },
            () => "no node has " + Named(_clients.Where(client => !owners.ContainsKey(client.Key)).Select(static client => $"{client.Key}: {client.State}")));
        return owners;
    }

    private async Task<Dictionary<string, Owned>> ListedAsync()
    {
        var owners = new Dictionary<string, Owned>();
        var unsettled = new List<string>();
        await UntilAsync(
            async () =>
            {
                owners.Clear();
                unsettled.Clear();
                for (int i = 0; i < _nodes.Count; i++)
                {
                    foreach (var listed in await _nodes[i].AskAsync<Listed[]>("list"))
                    {
                        if (!owners.TryAdd(listed.Key, new(listed.Key, listed.Epoch, i + 1)) || !listed.Active)
                        {
                            unsettled.Add($"{listed.Key} in epoch {listed.Epoch} at {_nodes[i].Name}, {(listed.Active ? "active" : "under way")}");
                        }
                    }
                }

                return unsettled.Count == 0;
            },
            () => "under way or at two nodes stays " + Named(unsettled));
        return owners;
    }

    private Task ReadyAsync() => UntilAsync(
        async () =>
        {
            int serves = 0;
            foreach (var node in _nodes)
            {
                var ready = await node.AskAsync<Ready>("ready");
                serves += ready.Meets ? ready.Serves : 0;
            }

            return serves == _nodes.Count;
        },
        static () => "the nodes do not serve all addresses");

    /// <summary>Opens what is missing. One whose SYN is lost waits for a second: the others need not.</summary>
    private async Task ConnectAsync()
    {
        using var places = new SemaphoreSlim(ConnectingAtOnce);
        var connecting = new List<Task<Client>>();
        while (_clients.Count + connecting.Count < _settings.Connections)
        {
            int count = Math.Min(ConnectingAtOnce / 8, _settings.Connections - _clients.Count - connecting.Count);
            var sockets = NetworkNamespace.Run(_network.Client, () =>
                Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToArray());
            foreach (var socket in sockets)
            {
                await places.WaitAsync().WaitAsync(s_patience);
                connecting.Add(ConnectAsync(socket, _number++, places));
            }
        }

        _clients.AddRange(await Task.WhenAll(connecting).WaitAsync(s_patience));
    }

    private async Task<Client> ConnectAsync(Socket socket, int number, SemaphoreSlim places)
    {
        try
        {
            return await Client.ConnectAsync(socket, Network.ServiceOf(number % _nodes.Count), number);
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>Lets some connections end in order and checks them to their last byte.</summary>
    private async Task FinishAsync(int count)
    {
        var finishing = _clients.Take(count).ToList();
        _clients.RemoveRange(0, count);
        finishing.ForEach(static client => client.Finish());
        try
        {
            await Task.WhenAll(finishing.Select(client => client.Running)).WaitAsync(2 * s_patience);
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            int open = finishing.Count(client => !client.Running.IsCompleted);
            throw new EnduranceException($"{open} of {count} connections do not end, {finishing.Count(client => client.Running.IsFaulted)} failed: {e.Message}");
        }

        _exact += count;
        foreach (var client in finishing)
        {
            _bytes += client.Bytes;
            client.Dispose();
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, Func<string> otherwise)
    {
        for (var since = Stopwatch.StartNew(); !await condition(); await Task.Delay(50))
        {
            if (since.Elapsed > s_patience)
            {
                throw new EnduranceException(otherwise());
            }
        }
    }

    /// <summary>How many, and the first of them.</summary>
    private static string Named(IEnumerable<string> connections)
    {
        string[] all = [.. connections];
        return $"{all.Length} connections:\n{string.Join('\n', all.Take(MostNamed))}\n";
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
