using System.Text;

namespace Baton.Scenarios.Script;

/// <summary>
/// Cuts a script into logical lines: comments are gone, and a call, a command in backticks or a block of code that goes
/// over several lines is one. Inside code and commands nothing is a comment.
/// </summary>
internal sealed class ScriptLines
{
    /// <summary>What a line that goes on with the one before begins with, letters apart: a time, a setting and a command begin anew.</summary>
    private const string Continuations = ",)]}=|<>%";

    private readonly string _text;
    private readonly StringBuilder _line = new();
    private readonly List<(int Line, string Content)> _lines = [];
    private int _position;
    private int _lineNumber = 1;
    private int _first;
    private int _depth;

    private ScriptLines(string text) => _text = text.ReplaceLineEndings("\n");

    /// <summary>The logical lines with the numbers of their first.</summary>
    public static IReadOnlyList<(int Line, string Content)> Of(string text)
    {
        var lines = new ScriptLines(text);
        lines.Read();
        return lines._lines;
    }

    private void Read()
    {
        while (_position < _text.Length)
        {
            if (At("/*"))
            {
                Skip("*/");
            }
            else if (At("//") || (At("#") && _line.ToString().Trim().Length == 0))
            {
                _position = Math.Max(_position, End("\n", from: _position) - 1);
            }
            else if (At("%{"))
            {
                Take("}%");
            }
            else if (At("`"))
            {
                Take("`");
            }
            else if (At("\""))
            {
                Take("\"");
            }
            else if (At("\n"))
            {
                EndLine();
            }
            else
            {
                char c = _text[_position];
                _depth += c == '(' ? 1 : c == ')' ? -1 : 0;
                Append(1);
            }
        }

        Flush();
    }

    private bool At(string word) => _text.AsSpan(_position).StartsWith(word, StringComparison.Ordinal);

    /// <summary>The position behind the next occurrence of a word, or the text's end.</summary>
    private int End(string word, int from)
    {
        int found = _text.IndexOf(word, Math.Min(from, _text.Length), StringComparison.Ordinal);
        return found < 0 ? _text.Length + (word == "\n" ? 1 : 0) : found + word.Length;
    }

    private void Skip(string end)
    {
        int to = Math.Min(_text.Length, End(end, _position + 2));
        _lineNumber += _text.AsSpan(_position, to - _position).Count('\n');
        _position = to;
    }

    private void Take(string end) => Append(Math.Min(_text.Length, End(end, _position + (end == "}%" ? 2 : 1))) - _position);

    private void Append(int count)
    {
        if (_first == 0 && !char.IsWhiteSpace(_text[_position]))
        {
            _first = _lineNumber;
        }

        var part = _text.AsSpan(_position, count);
        _line.Append(part);
        _lineNumber += part.Count('\n');
        _position += count;
    }

    private void EndLine()
    {
        _position++;
        _lineNumber++;
        if (_depth <= 0 && !GoesOn())
        {
            Flush();
        }
        else
        {
            _line.Append('\n');
        }
    }

    /// <summary>Whether the next line belongs to this one, which is an event.</summary>
    private bool GoesOn()
    {
        string line = _line.ToString().Trim();
        int next = _position;
        while (next < _text.Length && char.IsWhiteSpace(_text[next]))
        {
            next++;
        }

        bool isEvent = line.Length > 0 && !line.StartsWith("--", StringComparison.Ordinal) && !line.StartsWith('`');
        return isEvent && next < _text.Length && (char.IsAsciiLetter(_text[next]) || Continuations.Contains(_text[next], StringComparison.Ordinal));
    }

    private void Flush()
    {
        string content = _line.ToString().Trim();
        if (content.Length > 0)
        {
            _lines.Add((_first, content));
        }

        _line.Clear();
        (_first, _depth) = (0, 0);
    }
}
