using Baton.Link;
using Baton.Stack;
using Baton.Wire;

namespace Baton.Engine;

/// <summary>
/// Brings near what the frames of a burst will need, one step for all of them after the other: with many connections most
/// of it is in memory, and so the burst waits for it together. It changes nothing.
/// </summary>
internal sealed class BurstAhead(Shard shard)
{
    /// <summary>What fewer flows need is near anyway.</summary>
    public const int LeastFlows = 512;

    private const int Most = 64;

    // What objects occupy; of one that has grown the end is not brought near.
    private const int EndpointBytes = 176, ConnectionBytes = 176, SenderBytes = 256, ReceiverBytes = 144;
    private const int RecordBytes = 136, AttachmentBytes = 104, ApplicationBytes = 64;

    private readonly uint[] _tags = new uint[Most];
    private readonly int[] _entries = new int[Most];
    private readonly object?[] _found = new object?[Most];
    private int _count;

    /// <summary>A frame that is to come within this burst.</summary>
    public void Expect(ReadOnlySpan<byte> frame)
    {
        if (_count == Most || frame.Length <= EthernetHeader.Length || shard.Flows.Count < LeastFlows
            || IpPacket.TryParse(frame[EthernetHeader.Length..], out var layout) != DropReason.None || !layout.HasPorts)
        {
            return;
        }

        uint tag = shard.Flows.TagOf(layout.FlowAtDestination());
        CacheLines.Fetch(in shard.Flows.SlotOf(tag));
        _tags[_count++] = tag;
    }

    /// <summary>Before the burst's first frame: brings near what those need that are expected.</summary>
    public void Fetch()
    {
        if (_count > 0)
        {
            FetchEntries();
            FetchEndpoints();
            FetchConnections();
            FetchParts();
            Array.Clear(_found, 0, _count);
            _count = 0;
        }
    }

    private void FetchEntries()
    {
        for (int i = 0; i < _count; i++)
        {
            _entries[i] = shard.Flows.FirstWith(_tags[i]);
            if (_entries[i] >= 0)
            {
                CacheLines.Fetch(in shard.Flows.EntryAt(_entries[i]));
            }
        }
    }

    private void FetchEndpoints()
    {
        for (int i = 0; i < _count; i++)
        {
            // Not as what it is: to see that would be to wait for it.
            if (_entries[i] >= 0 && shard.Flows.EntryAt(_entries[i]).Known is { } found)
            {
                _found[i] = found;
                CacheLines.Fetch(found, EndpointBytes);
            }
        }
    }

    private void FetchConnections()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_found[i] is not TcpEndpoint { Connection: { } connection, Tag: { } record } endpoint)
            {
                continue;
            }

            CacheLines.Fetch(connection, ConnectionBytes);
            CacheLines.Fetch(record, RecordBytes);
            if (endpoint.Application is { } attachment)
            {
                CacheLines.Fetch(attachment, AttachmentBytes);
            }
        }
    }

    private void FetchParts()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_found[i] is not TcpEndpoint { Connection: { } connection } endpoint)
            {
                continue;
            }

            var (sender, receiver) = connection.Parts;
            CacheLines.Fetch(sender, SenderBytes);
            CacheLines.Fetch(receiver, ReceiverBytes);
            if (endpoint.Application is Attachment { User: { } application })
            {
                CacheLines.Fetch(application, ApplicationBytes);
            }
        }
    }
}
