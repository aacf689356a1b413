using System.Runtime.ExceptionServices;

namespace Baton.Link;

/// <summary>Runs setup code inside a named network namespace (<c>ip netns add NAME</c>).</summary>
public static class NetworkNamespace
{
    private const string Directory = "/run/netns/";

    /// <summary>
    /// Runs <paramref name="action"/> in the namespace, on a thread made for it, and waits for its result. What it opens
    /// there (sockets, TAP devices) belongs to that namespace from then on, whichever thread uses it. Without a name it
    /// runs here and now.
    /// </summary>
    /// <param name="name">The namespace's name, a path to its file, or null for the present one.</param>
    /// <param name="action">What to do there; it must not continue on other threads.</param>
    /// <exception cref="LinkException">There is no such namespace, or it may not be entered.</exception>
    public static T Run<T>(string? name, Func<T> action)
    {
        if (name is null)
        {
            return action();
        }

        T? result = default;
        ExceptionDispatchInfo? failure = null;

        // setns changes the calling thread only: this thread ends with the call, so no other code ever runs on it.
        var thread = new Thread(() =>
        {
            try
            {
                Enter(name);
                result = action();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        {
            Name = $"netns {name}",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    /// <inheritdoc cref="Run{T}(string?, Func{T})"/>
    public static void Run(string? name, Action action) => Run(name, () =>
    {
        action();
        return true;
    });

    private static void Enter(string name)
    {
        string path = name.Contains('/', StringComparison.Ordinal) ? name : Directory + name;
        int descriptor = Syscalls.Open(path, Syscalls.O_RDONLY | Syscalls.O_CLOEXEC);
        if (descriptor < 0)
        {
            int error = Syscalls.LastError;
            throw new LinkException($"Network namespace {name} could not be opened: {Syscalls.Describe(error)}.",
                error == Syscalls.ENOENT ? $"ip netns add {name}" : "run as root", error);
        }

        int entered = Syscalls.SetNamespace(descriptor, Syscalls.CLONE_NEWNET);
        int reason = Syscalls.LastError;
        _ = Syscalls.Close(descriptor);
        if (entered < 0)
        {
            throw new LinkException($"Network namespace {name} could not be entered: {Syscalls.Describe(reason)}.",
                reason == Syscalls.EPERM ? "run as root, or inside `unshare -Urnm`" : $"ip netns add {name}", reason);
        }
    }
}
