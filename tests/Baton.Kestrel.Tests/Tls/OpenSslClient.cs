using System.Diagnostics;
using System.Text;

namespace Baton.Kestrel.Tests.Tls;

/// <summary><c>openssl s_client</c> as a process.</summary>
internal sealed class OpenSslClient : IDisposable
{
    private readonly Process _process;
    private readonly SemaphoreSlim _renewed = new(0);
    private readonly StringBuilder _said = new();

    /// <param name="arguments">What goes before the program's own arguments to choose where it runs, and these.</param>
    public OpenSslClient(params string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo(arguments[0], arguments[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_said)
            {
                _said.AppendLine(line.Data);
            }

            if (line.Data?.Contains("KEYUPDATE", StringComparison.Ordinal) == true)
            {
                _renewed.Release();
            }
        };
        _process.BeginErrorReadLine();
    }

    /// <summary>All that the program has said of itself and of the server.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    /// <summary>Sends a text and reads the answer up to and with <paramref name="end"/>.</summary>
    public async Task<string> AskAsync(string text, string end)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
        var answer = new StringBuilder();
        char[] one = new char[1];
        while (!answer.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            Assert.True(await _process.StandardOutput.ReadAsync(one, WebFarm.Patience()) > 0, $"it ended after '{answer}'");
            answer.Append(one[0]);
        }

        lock (_said)
        {
            _said.Append(answer);
        }

        return answer.ToString();
    }

    /// <summary>Renews the client's key, and asks for the server's where wanted.</summary>
    public async Task RenewAsync(bool both)
    {
        await _process.StandardInput.WriteAsync(both ? "K\n" : "k\n");
        await _process.StandardInput.FlushAsync();
        await _renewed.WaitAsync(WebFarm.Patience());
    }

    /// <summary>Ends the input and waits for the program's end.</summary>
    public async Task EndAsync()
    {
        _process.StandardInput.Close();
        await _process.StandardOutput.ReadToEndAsync(WebFarm.Patience());
        await _process.WaitForExitAsync(WebFarm.Patience());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        _renewed.Dispose();
    }
}
