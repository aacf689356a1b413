using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Machine;

namespace Baton.Bench.Ingress;

/// <summary>HAProxy and nginx in the namespace of the proxy, each passing a port's connections on to node b.</summary>
internal sealed class Proxies : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("baton-bench-").FullName;
    private readonly List<Process> _started = [];

    public Proxies(string networkNamespace)
    {
        try
        {
            Haproxy = Start(networkNamespace, "haproxy", ["-q", "-db", "-f", Write("haproxy.cfg", $"""
                global
                  maxconn 4096
                  nbthread {Environment.ProcessorCount}
                defaults
                  mode tcp
                  timeout connect 5s
                  timeout client 60s
                  timeout server 60s
                listen web
                  bind {IngressNetwork.Proxy}:{IngressNetwork.Port}
                  server b {IngressNetwork.AtB}:{IngressNetwork.Port}

                """)]);
            Nginx = Start(networkNamespace, "nginx", ["-p", _folder, "-e", "stderr", "-c", Write("nginx.conf", $$"""
                load_module {{Module()}};
                daemon off; user root; pid {{_folder}}/nginx.pid; worker_processes {{Environment.ProcessorCount}};
                events { worker_connections 4096; }
                stream { server { listen {{IngressNetwork.Proxy}}:{{IngressNetwork.SecondPort}}; proxy_pass {{IngressNetwork.AtB}}:{{IngressNetwork.Port}}; } }

                """)]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>HAProxy's process.</summary>
    public int Haproxy { get; }

    /// <summary>The first of nginx's processes.</summary>
    public int Nginx { get; }

    public void Dispose()
    {
        foreach (var process in _started)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string Module()
    {
        const string path = "/usr/lib/nginx/modules/ngx_stream_module.so";
        return File.Exists(path) ? path : throw new BenchException("nginx has no stream module: apt-get install libnginx-mod-stream");
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Starts a proxy that stays in the foreground, ahead of the machine's others as all that is measured.</summary>
    private int Start(string networkNamespace, string program, string[] arguments)
    {
        string[] command = ["netns", "exec", networkNamespace, .. AheadOfOthers.Before, program, .. arguments];
        try
        {
            var process = Process.Start(new ProcessStartInfo("ip", command))!;
            _started.Add(process);
            return process.Id;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"{program}: {e.Message}"));
        }
    }
}
