using System.Globalization;

namespace Baton.Node.Demo;

/// <summary>What the user asked of the demonstration.</summary>
internal sealed record DemoOptions
{
    /// <summary>Milliseconds each way.</summary>
    public required double Delay { get; init; }

    /// <summary>Percent of frames lost each way.</summary>
    public required double Loss { get; init; }

    /// <summary>Bytes of the download and of the upload.</summary>
    public required long Size { get; init; }

    public required int SnapLength { get; init; }

    /// <summary>The kind of the nodes' links.</summary>
    public required DemoLink Link { get; init; }

    /// <summary>Who has which address, and so by IPv4 or IPv6.</summary>
    public required AddressPlan Plan { get; init; }

    public required string? KeepCaptures { get; init; }

    public required bool Json { get; init; }

    /// <summary>The command line, for running it again inside namespaces.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Parses a number of bytes with an optional K, M or G (powers of 1024), from 64 MiB to 3 GiB.</summary>
    public static bool TryParseSize(string? text, out long bytes)
    {
        bytes = 0;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        int shift = char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            _ => 0,
        };
        string digits = shift > 0 ? text[..^1] : text;
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number <= 3L << 30
            && (bytes = number << shift) is >= 64 << 20 and <= 3L << 30;
    }
}
