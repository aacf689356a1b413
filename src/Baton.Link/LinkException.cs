namespace Baton.Link;

/// <summary>A device could not be opened, set up or used. The message says what failed, why, and what mends it.</summary>
public sealed class LinkException : IOException
{
    /// <summary>States a failure.</summary>
    /// <param name="problem">What failed and why.</param>
    /// <param name="mend">What to do about it, where there is something; a command wherever one does it.</param>
    /// <param name="error">The system's error number (errno), or 0.</param>
    public LinkException(string problem, string mend = "", int error = 0)
        : base(mend.Length == 0 ? problem : $"{problem} To mend it: {mend}")
    {
        Mend = mend;
        Error = error;
    }

    /// <summary>What mends it, ready to be typed where it is a command; empty when nothing is known.</summary>
    public string Mend { get; }

    /// <summary>The system's error number (errno), or 0.</summary>
    public int Error { get; }
}
