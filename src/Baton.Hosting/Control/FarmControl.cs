using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Baton.Engine;

namespace Baton.Hosting;

/// <summary>What can be asked of the whole farm by way of one node: it asks the others over the lan.</summary>
internal sealed class FarmControl(BatonEngine engine, NodeControl own)
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MoveTime = TimeSpan.FromSeconds(30);

    /// <summary>Answers another member.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(
        MemberDescription from, ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        _ = from;
        var question = JsonSerializer.Deserialize(request.Span, ControlJson.Default.FarmQuestion);
        return question switch
        {
            { Kind: FarmQuestionKind.Status } => Encode(await own.StatusAsync(cancellation), ControlJson.Default.NodeView),
            { Kind: FarmQuestionKind.Connections } => Encode(await own.ConnectionsAsync(cancellation), ControlJson.Default.ConnectionsView),
            { Kind: FarmQuestionKind.Move, Move: { } move } => Encode(await own.MoveAsync(move, cancellation), ControlJson.Default.MoveView),
            { Kind: FarmQuestionKind.Placements, Client: { } client } => Encode(await own.PlacementsAsync(client), ControlJson.Default.IReadOnlyListPlacementView),
            { Kind: FarmQuestionKind.Drain } => Encode(own.BeginDrain(), ControlJson.Default.DrainView),
            { Kind: FarmQuestionKind.DrainProgress } => Encode(own.Drain, ControlJson.Default.DrainView),
            { Kind: FarmQuestionKind.Resume } => Encode(await own.ResumeAsync(cancellation), ControlJson.Default.DrainView),
            _ => ReadOnlyMemory<byte>.Empty,
        };
    }

    /// <summary>All members; those that do not answer are named with the reason.</summary>
    public async ValueTask<FarmView> StatusAsync(bool localOnly, CancellationToken cancellation)
    {
        var members = localOnly ? [engine.Self] : engine.Members;
        var nodes = await Task.WhenAll(members.Select(async member =>
        {
            if (IsSelf(member))
            {
                return await own.StatusAsync(cancellation);
            }

            var (view, error) = await TryAskAsync(member, new(FarmQuestionKind.Status), ControlJson.Default.NodeView, cancellation);
            return view ?? ViewMapping.Node(member, error);
        }));
        return new(engine.Self.Name, nodes);
    }

    /// <summary>All members' endpoints.</summary>
    public async ValueTask<ConnectionsView> ConnectionsAsync(bool localOnly, CancellationToken cancellation)
    {
        var connections = new List<ConnectionView>((await own.ConnectionsAsync(cancellation)).Connections);
        var unreachable = new Dictionary<string, string>(StringComparer.Ordinal);
        var others = localOnly ? [] : engine.Members.Where(m => !IsSelf(m));
        var answers = await Task.WhenAll(others.Select(async member =>
            (member.Name, Answer: await TryAskAsync(member, new(FarmQuestionKind.Connections), ControlJson.Default.ConnectionsView, cancellation))));
        foreach (var (name, (view, error)) in answers)
        {
            connections.AddRange(view?.Connections ?? []);
            if (error is not null)
            {
                unreachable[name] = error;
            }
        }

        return new([.. connections.OrderBy(c => c.Node, StringComparer.Ordinal).ThenBy(c => c.Client, StringComparer.Ordinal)], unreachable);
    }

    /// <summary>Why a connection is where it is: what all members that answer decided, the oldest first.</summary>
    public async ValueTask<IReadOnlyList<PlacementView>> PlacementsAsync(ConnectionView connection, CancellationToken cancellation)
    {
        var answers = await Task.WhenAll(engine.Members.Select(async member => IsSelf(member)
            ? await own.PlacementsAsync(connection.Client)
            : (await TryAskAsync(member, new(FarmQuestionKind.Placements, Client: connection.Client), ControlJson.Default.IReadOnlyListPlacementView, cancellation)).Answer ?? []));
        return [.. answers.SelectMany(placements => placements).Where(placement => placement.Service == connection.Server).OrderByDescending(placement => placement.SecondsAgo)];
    }

    /// <summary>Moves an endpoint, wherever it lives.</summary>
    public async ValueTask<MoveView> MoveAsync(MoveCommand command, CancellationToken cancellation)
    {
        if (engine.Members.All(m => m.Name != command.Target))
        {
            return new(MoveOutcome.NotFound, $"'{command.Target}' is no member; members are {Names()}", null, null);
        }

        // The owner itself is asked most often; nobody else need be then.
        if ((await own.ConnectionsAsync(cancellation)).Connections.Count(c => NodeControl.Names(command.Connection, c)) == 1)
        {
            return await own.MoveAsync(command, cancellation);
        }

        var farm = await ConnectionsAsync(localOnly: false, cancellation);
        var found = farm.Connections.Where(c => NodeControl.Names(command.Connection, c)).ToArray();
        if (found is not [var connection])
        {
            string asked = farm.Unreachable.Count == 0 ? "" : $" ({string.Join(", ", farm.Unreachable.Keys)} could not be asked)";
            return new(MoveOutcome.NotFound, $"{found.Length} connections are named by '{command.Connection}'{asked}", null, null);
        }

        var owner = engine.Members.First(m => m.Name == connection.Node);
        var exact = command with { Connection = connection.Id };
        if (IsSelf(owner))
        {
            return await own.MoveAsync(exact, cancellation);
        }

        var (view, error) = await TryAskAsync(owner, new(FarmQuestionKind.Move, exact), ControlJson.Default.MoveView, cancellation, MoveTime);
        return view ?? new(MoveOutcome.Unreachable, error!, connection, null);
    }

    /// <summary>Begins, watches or ends the drain of a node.</summary>
    public async ValueTask<DrainView> DrainAsync(string? node, FarmQuestionKind kind, CancellationToken cancellation)
    {
        if (node is null || node == engine.Self.Name)
        {
            return kind switch
            {
                FarmQuestionKind.Drain => own.BeginDrain(),
                FarmQuestionKind.Resume => await own.ResumeAsync(cancellation),
                _ => own.Drain,
            };
        }

        if (engine.Members.FirstOrDefault(m => m.Name == node) is not { } member)
        {
            return new(node, "failed", null, $"'{node}' is no member; members are {Names()}");
        }

        var (view, error) = await TryAskAsync(member, new(kind), ControlJson.Default.DrainView, cancellation);
        return view ?? new(node, "failed", null, error);
    }

    private async ValueTask<(T? Answer, string? Error)> TryAskAsync<T>(
        MemberDescription member, FarmQuestion question, JsonTypeInfo<T> type, CancellationToken cancellation, TimeSpan? limit = null)
        where T : class
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        time.CancelAfter(limit ?? AnswerTime);
        try
        {
            var request = Encode(question, ControlJson.Default.FarmQuestion);
            var answer = await engine.QueryAsync(member.Name, request, time.Token);
            return JsonSerializer.Deserialize(answer.Span, type) is { } value ? (value, null) : (null, "its answer was empty");
        }
        catch (BatonException failure)
        {
            return (null, failure.Message);
        }
        catch (JsonException)
        {
            return (null, "its answer could not be read: another version?");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, "it did not answer in time");
        }
    }

    private bool IsSelf(MemberDescription member) => member.Id == engine.Self.Id;

    private string Names() => string.Join(", ", engine.Members.Select(m => m.Name));

    private static ReadOnlyMemory<byte> Encode<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);
}
