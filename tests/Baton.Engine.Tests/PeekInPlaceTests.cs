using Baton.Simulation;

namespace Baton.Engine.Tests;

/// <summary>Received bytes looked at where they stand.</summary>
public sealed class PeekInPlaceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void Looking_in_place_gives_the_stream_in_order_whole_across_the_rings_end_and_takes_only_what_is_advanced()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var reader = new Reader();
        farm["a"].Bind("tcp", () => reader);
        var client = farm.Clients[0].Connect(farm["a"].ServiceAddress, 80);
        farm.RunUntil(() => reader.Attachment is not null, Limit);
        byte[] content = new byte[1_000_000];
        new Random(1).NextBytes(content);

        int written = 0;
        farm.RunUntil(
            () =>
            {
                written += client.Write(farm.Now, content.AsSpan(written));
                farm.Clients[0].Touch();
                return reader.Received.Count == content.Length;
            },
            Limit);

        Assert.Equal(content, reader.Received);
        Assert.Equal(0, reader.Attachment!.ReadableBytes);
        Assert.True(reader.Attachment.PeekInPlace().IsEmpty);
    }

    [Fact]
    public void What_the_last_application_had_taken_but_not_used_is_seen_first()
    {
        using var farm = new Farm(new FarmSettings()).Connect();
        var reader = new Reader { Stops = true };
        farm["a"].Bind("tcp", () => reader);
        var client = farm.Clients[0].Connect(farm["a"].ServiceAddress, 80);
        client.Write(farm.Now, "later"u8);
        farm.Clients[0].Touch();
        farm.RunUntil(() => reader.Attachment is { ReadableBytes: 5 }, Limit);
        var first = reader.Attachment!;
        first.Detach(unread: "sooner "u8.ToArray());
        Assert.True(first.PeekInPlace().IsEmpty);

        var next = farm["a"].Shard.Attach(first.Id, "next", new Reader { Stops = true });
        Assert.True(next.PeekInPlace().SequenceEqual("sooner "u8));
        next.Advance(7);
        Assert.True(next.PeekInPlace().SequenceEqual("later"u8));
    }

    private sealed class Reader : IEndpointApplication
    {
        public List<byte> Received { get; } = [];

        public bool Stops { get; init; }

        public Attachment? Attachment { get; private set; }

        public void OnAttached(Attachment attachment) => Attachment = attachment;

        public void OnReadable(Attachment attachment)
        {
            while (!Stops && attachment.PeekInPlace() is { IsEmpty: false } bytes)
            {
                Assert.InRange(bytes.Length, 1, attachment.ReadableBytes);
                int length = Math.Min(bytes.Length, 1000);
                Received.AddRange(bytes[..length]);
                attachment.Advance(length);
            }
        }

        public void OnWritable(Attachment attachment)
        {
        }

        public void OnMoveRequested(Attachment attachment, MoveRequest request)
        {
        }

        public void OnHandOffFailed(Attachment attachment, MoveResult result)
        {
        }

        public void OnLeft(Attachment attachment, LeaveReason reason)
        {
        }
    }
}
