using System.Globalization;
using Baton.Scenarios.Run;

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

    /// <summary>A word of letters, digits and underscores, spaces before it skipped; empty when there is none.</summary>
    public string TakeWord()
    {
        SkipSpace();
        return TakeWhile(c => char.IsLetterOrDigit(c) || c == '_');
    }

    /// <summary>A decimal or hexadecimal (0x) number, perhaps negative.</summary>
    public long TakeNumber()
    {
        SkipSpace();
        RefuseUndefined();
        bool negative = TryTake('-');
        bool hex = TryTake("0x");
        string digits = TakeWhile(hex ? char.IsAsciiHexDigit : char.IsAsciiDigit);
        var style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        return long.TryParse(digits, style, CultureInfo.InvariantCulture, out long number)
            ? negative ? -number : number
            : throw Error($"expected a number before '{Rest}'");
    }

    /// <summary>A word in capitals where a number or code stands is one that a definition was to replace.</summary>
    public readonly void RefuseUndefined()
    {
        string word = new([.. Rest.TrimStart().TakeWhile(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_')]);
        if (word.Length > 1 && char.IsAsciiLetterUpper(word[0]) && word.Any(c => c == '_' || !char.IsAsciiHexDigit(c)))
        {
            throw new UnsupportedConstructException(line, $"undefined word {word}");
        }
    }

    public uint TakeUInt32() => (uint)TakeUpTo(uint.MaxValue);

    public ushort TakeUInt16() => (ushort)TakeUpTo(ushort.MaxValue);

    public byte TakeByte() => (byte)TakeUpTo(byte.MaxValue);

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

    private long TakeUpTo(long limit)
    {
        long number = TakeNumber();
        return number >= 0 && number <= limit ? number : throw Error($"{number} is out of range");
    }
}
