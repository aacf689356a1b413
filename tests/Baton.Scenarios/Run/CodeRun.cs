using System.Globalization;
using Baton.Scenarios.Code;
using Baton.Scenarios.Script;
using Baton.Scenarios.Sockets;

namespace Baton.Scenarios.Run;

/// <summary>Runs the blocks of code of one script: their variables last from block to block.</summary>
internal sealed class CodeRun(SocketTable sockets)
{
    private readonly Dictionary<string, double> _variables = new(StringComparer.Ordinal);

    /// <summary>Refuses a script that uses a name which nothing gives a value to.</summary>
    public static void RefuseUnknownNames(IEnumerable<ScriptEvent> events)
    {
        var assigned = new HashSet<string>(StringComparer.Ordinal);
        foreach (var e in events.OfType<CodeEvent>())
        {
            foreach (var statement in e.Code.Statements)
            {
                if (statement.Names.FirstOrDefault(name => !assigned.Contains(name) && !TcpInfo.Knows(name)) is not null)
                {
                    throw new UnsupportedConstructException(e.Line, $"code '{statement.Text}'");
                }

                if (statement.Target is not null)
                {
                    assigned.Add(statement.Target);
                }
            }
        }
    }

    /// <summary>Runs a block; an assertion that does not hold fails the script.</summary>
    public void Run(CodeEvent e)
    {
        foreach (var statement in e.Code.Statements)
        {
            double value = statement.Value(name => Get(name, e.Line, statement));
            if (statement.Target is not null)
            {
                _variables[statement.Target] = value;
            }
            else if (value == 0)
            {
                var values = statement.Names.Where(n => !n.Any(char.IsAsciiLetterUpper))
                    .Select(n => string.Create(CultureInfo.InvariantCulture, $"{n} is {Get(n, e.Line, statement)}"));
                throw new ScenarioFailedException(e.Line, statement.Text, string.Join(", ", values));
            }
        }
    }

    private double Get(string name, int line, CodeStatement statement)
    {
        if (_variables.TryGetValue(name, out double value))
        {
            return value;
        }

        if (sockets.Latest?.Connection is not { } connection)
        {
            throw new ScenarioFailedException(line, "a connection", "none");
        }

        var log = sockets.Flows.Get(Wire.IpProtocol.Tcp, connection.Tuple).Log;
        return TcpInfo.Get(name, connection, log, sockets.Host.Now)
            ?? throw new UnsupportedConstructException(line, $"code '{statement.Text}'");
    }
}
