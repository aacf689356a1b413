using System.Globalization;
using Baton.Node.Demo;

namespace Baton.Deploy;

/// <summary>
/// One person in a browser, in the client's namespace: says something before and after each line on standard input, which
/// says that a node was replaced, and answers with what the page shows of who serves it. The page has no code that connects
/// again, so what it shows came over one connection.
/// </summary>
internal static class BrowserProcess
{
    private const string State = "document.getElementById('state').textContent";
    private const string Said = "document.getElementById('said').innerText";
    private const string Alive = "socket.readyState + ' ' + performance.getEntriesByType('navigation').length + ' ' + window.opened + ' ' + (nodes > 2)";

    /// <summary>Talks over HTTP and WS, or HTTPS and WSS, and leaves <c>http-before.png</c> and <c>http-after.png</c> (or <c>https-…</c>) in a folder.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        string folder = args[0], scheme = args[1];
        await using var browser = await Browser.StartAsync();
        await browser.OpenAsync($"{scheme}://{AddressPlan.V4.Nodes[0].Service}/?name={(scheme == "http" ? "Ada" : "Grace")}");
        await browser.UntilAsync(State, "served by");
        await browser.RunAsync("window.opened = 1");
        await SayAsync(browser, $"before the deploy, by {scheme}");
        await browser.PhotographAsync(Path.Combine(folder, scheme + "-before.png"));
        Console.Out.WriteLine("ready");
        int replaced = 0;
        while (await Console.In.ReadLineAsync() is not null)
        {
            await SayAsync(browser, string.Create(CultureInfo.InvariantCulture, $"by {scheme} after process {++replaced} was replaced"));
            Console.Out.WriteLine(await browser.RunAsync(State));
        }

        await browser.PhotographAsync(Path.Combine(folder, scheme + "-after.png"));
        string alive = await browser.RunAsync(Alive), state = await browser.RunAsync(State);
        Console.Out.WriteLine($"{alive}|{state}");
        return alive == "1 1 1 true" ? 0 : 1;
    }

    private static async Task SayAsync(Browser browser, string what)
    {
        await browser.RunAsync($"text.value = '{what}'; document.querySelector('form').requestSubmit()");
        await browser.UntilAsync(Said, what);
    }
}
