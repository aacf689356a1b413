using Baton.Link;

namespace Baton.Engine.Tests;

/// <summary>Records of a channel: what opens is exactly the beginning of what was sealed.</summary>
internal sealed class RecordFuzz : IDisposable
{
    private const int Records = 4;
    private const int Rounds = 40;
    private const int MaxContent = 60;

    private readonly SeededRandom _random;
    private readonly byte[] _secret = new byte[PeerSession.SecretLength];
    private readonly byte[][] _sealed = new byte[Records][];
    private readonly byte[] _content;
    private readonly byte[] _stream = new byte[2048];
    private readonly byte[] _opened = new byte[2048];
    private long _cases;
    private long _refused;

    public RecordFuzz(ulong seed)
    {
        _random = new SeededRandom(seed ^ 0x5245_4344);
        Mutation.Fill(_random, _secret);
        using var keys = Keys();
        var content = new List<byte>();
        for (int n = 0; n < Records; n++)
        {
            byte[] record = new byte[SealedOutput.MaxRecord];
            int length = 1 + _random.Below(MaxContent);
            Mutation.Fill(_random, record.AsSpan(SealedOutput.HeaderLength, length));
            content.AddRange(record.AsSpan(SealedOutput.HeaderLength, length));
            _sealed[n] = record[..SealedOutput.Seal(keys, record, length)];
        }

        _content = [.. content];
    }

    public int Run()
    {
        for (int round = 0; round < Rounds; round++)
        {
            RunOne();
        }

        _cases += Rounds;
        return Rounds;
    }

    public void Dispose()
    {
    }

    public override string ToString() => $"{_cases} streams of records of which {_refused} were refused";

    private RecordKeys Keys() => new([.. _secret], recordsPerKey: 2);

    private void RunOne()
    {
        ReadOnlySpan<byte> stream = _stream.AsSpan(0, Make(out bool altered));
        using var input = new SealedInput(Keys());
        int opened = 0;
        bool refused = false;
        while (!refused && !stream.IsEmpty)
        {
            refused = !input.TryFill(ref stream);
            while (input.HasContent)
            {
                opened += input.Take(_opened.AsSpan(opened));
            }
        }

        _refused += refused ? 1 : 0;
        if (opened > _content.Length || !_opened.AsSpan(0, opened).SequenceEqual(_content.AsSpan(0, opened)) || (altered && opened == _content.Length && !refused))
        {
            throw new InvalidOperationException($"{opened} bytes were opened that nobody has sealed, or in another order.");
        }
    }

    /// <summary>A stream that is not what was sealed.</summary>
    private int Make(out bool altered)
    {
        int length = 0;
        int kind = _random.Below(5);
        int which = _random.Below(Records);
        for (int n = 0; n < Records; n++)
        {
            byte[] record = kind == 1 && n == which ? _sealed[_random.Below(Records)] : _sealed[n];
            record.CopyTo(_stream, length);
            length += record.Length;
            if (kind == 2 && n == which)
            {
                record.CopyTo(_stream, length);
                length += record.Length;
            }
        }

        switch (kind)
        {
            case 0:
                Mutation.Flip(_random, _stream.AsSpan(0, length));
                break;
            case 3:
                length = _random.Below(length);
                break;
            case 4:
                Mutation.Fill(_random, _stream.AsSpan(_random.Below(length), 20));
                break;
        }

        // An exchange with itself, and an even number of flips of one bit, alter nothing.
        altered = !_stream.AsSpan(0, length).SequenceEqual(_sealed.SelectMany(record => record).ToArray());
        return length;
    }
}
