using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Baton.Kestrel;

/// <summary>Waits for what a client says first and gives its connection to the node where it belongs.</summary>
/// <param name="next">What serves the connections that stay.</param>
/// <param name="place">Names the node, or null for this one.</param>
/// <param name="self">This node's name.</param>
internal sealed class PlacementMiddleware(ConnectionDelegate next, Func<ClientOpening, string?> place, Func<string> self)
{
    /// <summary>A client that is silent for longer is served here.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        // A connection is placed once: where it goes later is for drains, rules and operators to say.
        if (context.Features.Get<BatonConnection>() is { IsNew: true } connection
            && await ReadAsync(connection.Input.Below, context.ConnectionClosed) is { } opening
            && place(opening) is { } target
            && target != self())
        {
            // Kestrel disposes the connection when this returns, and with that it leaves.
            connection.Place(target);
            return;
        }

        await next(context);
    }

    /// <summary>Looks at the opening; its bytes stay where they are.</summary>
    /// <returns>Null when it does not come, is not understood, or the connection is to move for another reason.</returns>
    private static async Task<ClientOpening?> ReadAsync(PipeReader input, CancellationToken closed)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(closed);
        limit.CancelAfter(s_patience);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(limit.Token);
                bool isThere = TryRead(read.Buffer, out var opening);
                if (isThere || read.IsCompleted || read.IsCanceled)
                {
                    input.AdvanceTo(read.Buffer.Start);
                    return opening;
                }

                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    private static bool TryRead(in ReadOnlySequence<byte> bytes, out ClientOpening? opening)
    {
        var first = bytes.Slice(0, Math.Min(bytes.Length, ClientOpening.MaxLength));
        return ClientOpening.TryRead(first.IsSingleSegment ? first.FirstSpan : first.ToArray(), out opening);
    }
}
