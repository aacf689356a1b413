using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Baton.Bench.Machine;

/// <summary>Network namespaces with names that nobody else has, removed with all that is in them.</summary>
internal sealed class Namespaces : IDisposable
{
    private readonly string _prefix = "baton-bench-" + RandomNumberGenerator.GetHexString(8, lowercase: true) + "-";
    private readonly List<string> _made = [];

    public Namespaces(params string[] parts)
    {
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        Console.CancelKeyPress += OnInterrupt;
        try
        {
            foreach (string part in parts)
            {
                string name = this[part];
                Ip($"netns add {name}");
                _made.Add(name);
                Write(name, "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
                Write(name, "/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
                Ip($"-n {name} link set lo up");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The whole name of a namespace.</summary>
    public string this[string part] => _prefix + part;

    /// <summary>Runs <c>ip</c> in a namespace.</summary>
    public void Ip(string part, string arguments) => Ip(string.Create(CultureInfo.InvariantCulture, $"-n {this[part]} {arguments}"));

    /// <summary>Runs a program in a namespace until it ends.</summary>
    public void Execute(string part, params string[] command) => Run("ip", ["netns", "exec", this[part], .. command]);

    /// <summary>Runs <c>ip</c> in a namespace of somebody else's, by its whole name.</summary>
    public static void IpIn(string name, string arguments) => Ip($"-n {name} {arguments}");

    /// <summary>Writes a setting of the kernel in a namespace.</summary>
    public void Set(string part, string path, string value) => Write(this[part], path, value);

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        Console.CancelKeyPress -= OnInterrupt;
        Remove();
    }

    private static void Write(string name, string path, string value) => Run("ip", ["netns", "exec", name, "sh", "-c", $"echo '{value}' > {path}"]);

    private static void Ip(string arguments) => Run("ip", arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static void Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        _ = output.GetAwaiter().GetResult();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new BenchException($"{program} {string.Join(' ', arguments)}: {error.Trim()}");
        }
    }

    private void OnExit(object? sender, EventArgs e) => Remove();

    private void OnInterrupt(object? sender, ConsoleCancelEventArgs e) => Remove();

    private void Remove()
    {
        lock (_made)
        {
            foreach (string name in _made)
            {
                try
                {
                    Ip($"netns delete {name}");
                }
                catch (BenchException e)
                {
                    Console.Error.WriteLine(e.Message);
                }
            }

            _made.Clear();
        }
    }
}

/// <summary>A benchmark cannot be run, or its data were wrong.</summary>
internal sealed class BenchException(string message) : Exception(message);
