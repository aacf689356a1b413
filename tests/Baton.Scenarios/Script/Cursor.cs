using System.Globalization;

namespace Baton.Scenarios.Script;

/// <summary>A place in one line of a script.</summary>
internal struct Cursor(int line, string text)
{
    private int _position;

    public readonly int Line => line;

    /// <summary>The next character, or NUL at the end.</summary>
    public readonly char Peek => _position < text.Length ? text[_position] : '\0';

    public readonly string Rest => text[_position..];

    public char Take() => text[_position++];

    public void SkipSpace()
    {
        while (char.IsWhiteSpace(Peek))
        {
            _position++;
        }
    }

    public bool TryTake(char c)
    {
        if (Peek != c)
        {
            return false;
        }

        _position++;
        return true;
    }

    public bool TryTake(string word)
    {
        if (!text.AsSpan(_position).StartsWith(word, StringComparison.Ordinal))
        {
            return false;
        }

        _position += word.Length;
        return true;
    }

    /// <summary>A word that stands alone, spaces before it skipped.</summary>
    public bool TryTakeWord(string word)
    {
        SkipSpace();
        int after = _position + word.Length;
        return (after >= text.Length || !char.IsLetterOrDigit(text[after])) && TryTake(word);
    }

    public void Expect(char c)
    {
        SkipSpace();
        if (!TryTake(c))
        {
            throw Error($"expected '{c}' before '{Rest}'");
        }
    }

    public string TakeWhile(Func<char, bool> accept)
    {
        int start = _position;
        while (_position < text.Length && accept(text[_position]))
        {
            _position++;
        }

        return text[start.._position];
    }

    public long TakeNumber()
    {
        SkipSpace();
        bool negative = TryTake('-');
        string digits = TakeWhile(char.IsAsciiDigit);
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? negative ? -number : number
            : throw Error($"expected a number before '{Rest}'");
    }

    public TimeSpan TakeSeconds()
    {
        string digits = TakeWhile(char.IsAsciiDigit);
        if (Peek == '.' && _position + 1 < text.Length && char.IsAsciiDigit(text[_position + 1]))
        {
            Take();
            digits += "." + TakeWhile(char.IsAsciiDigit);
        }

        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            ? TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond))
            : throw Error($"expected a time in seconds before '{Rest}'");
    }

    public readonly ScriptSyntaxException Error(string message) => new(line, message);
}
