using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Baton.RealPackets.Tests;

/// <summary>Waiting for a condition, with a patience that a loaded machine does not use up.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>A token that ends an operation which should long have ended by itself.</summary>
    public static CancellationToken Patience() => new CancellationTokenSource(s_patience).Token;

    /// <summary>Waits until a condition holds.</summary>
    public static Task UntilAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        UntilAsync(() => ValueTask.FromResult(condition()), what);

    /// <summary>Waits until a condition holds.</summary>
    public static async Task UntilAsync(Func<ValueTask<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < s_patience, $"Waited {s_patience.TotalSeconds} s in vain for: {what}");
            await Task.Delay(2);
        }
    }
}
