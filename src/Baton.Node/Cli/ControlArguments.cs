using System.CommandLine;
using Baton.Hosting;

namespace Baton.Node.Cli;

/// <summary>No node could be found or reached.</summary>
internal sealed class NoNodeException(string message) : Exception(message);

/// <summary>The options by which every command finds the node to ask, and the form of its output.</summary>
internal sealed class ControlArguments
{
    public Option<string> Node { get; } = new("--node") { Description = "Ask the node of this name on this machine.", HelpName = "NAME" };

    public Option<string> Socket { get; } = new("--socket") { Description = "Ask the node with this control socket.", HelpName = "PATH" };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON." };

    /// <summary>Adds them to a command.</summary>
    public Command On(Command command)
    {
        command.Options.Add(Node);
        command.Options.Add(Socket);
        command.Options.Add(Json);
        return command;
    }

    /// <summary>A client of the node that is meant: the one named, or any on this machine.</summary>
    public ControlClient Connect(ParseResult parsed) => new(Find(parsed.GetValue(Node), parsed.GetValue(Socket), ControlSocket.Find()));

    /// <summary>The path of the socket that is meant.</summary>
    /// <exception cref="NoNodeException">There is none.</exception>
    internal static string Find(string? node, string? socket, IReadOnlyList<(string Node, string Path)> present)
    {
        string places = string.Join(" and ", ControlSocket.Directories);
        if (socket is not null)
        {
            return File.Exists(socket) ? socket : throw new NoNodeException($"{socket} does not exist. Sockets of running nodes are in {places}.");
        }

        if (present.Count == 0)
        {
            throw new NoNodeException($"No node runs on this machine for this user (looked in {places}). Start one with 'baton node --config baton.json', or name its socket with --socket.");
        }

        if (node is null)
        {
            return present[0].Path;
        }

        string? path = present.FirstOrDefault(p => p.Node == node).Path;
        return path ?? throw new NoNodeException($"Node '{node}' does not run on this machine. Running: {string.Join(", ", present.Select(p => p.Node))}.");
    }
}
