using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Chat;

/// <summary>What somebody said.</summary>
/// <param name="Id">Its name, the same at every node.</param>
/// <param name="Room">Where.</param>
/// <param name="Time">When, in milliseconds since 1970.</param>
/// <param name="From">Who.</param>
/// <param name="Text">What.</param>
internal sealed record Message(string Id, string Room, long Time, string From, string Text);

/// <summary>The rooms of this node, made as they are entered; the backplane carries what is said to those of the others.</summary>
internal sealed class Rooms(Backplane backplane)
{
    private readonly ConcurrentDictionary<string, Room> _rooms = new(StringComparer.Ordinal);

    public Room this[string name] => _rooms.GetOrAdd(name, room => new Room(room, backplane, this));

    /// <summary>What was said at another node; nobody here may be in that room yet, but somebody may come who was there.</summary>
    public void OnSaidElsewhere(Message message) => this[message.Room].Add(message);

    public void Forget(Room room) => _rooms.TryRemove(new(room.Name, room));
}

/// <summary>A room as this node sees it: who is in it here, and what was said lately anywhere.</summary>
internal sealed class Room(string name, Backplane backplane, Rooms rooms)
{
    private const int MaxHistory = 1000;
    private static readonly TimeSpan s_memory = TimeSpan.FromMinutes(10);
    private readonly Lock _lock = new();
    private readonly List<ChannelWriter<Message>> _present = [];
    private readonly Queue<Message> _history = new();

    public string Name => name;

    /// <summary>Says something to everybody, at every node.</summary>
    public void Say(string from, string text)
    {
        var message = new Message(backplane.NextId(), name, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), from, text);
        Add(message);
        backplane.Publish(message);
    }

    public void Add(Message message)
    {
        lock (_lock)
        {
            _history.Enqueue(message);
            if (_history.Count > MaxHistory || DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - _history.Peek().Time > s_memory.TotalMilliseconds)
            {
                _history.Dequeue();
            }

            foreach (var present in _present)
            {
                // One that takes nothing for so long is let go: its channel is full, and its visit ends.
                if (!present.TryWrite(message))
                {
                    present.TryComplete();
                }
            }
        }
    }

    /// <summary>Enters: gives what was said and not yet heard by this visitor, then all that will be.</summary>
    public ChannelWriter<Message> Enter(Channel<Message> ears, Func<Message, bool> unheard)
    {
        lock (_lock)
        {
            foreach (var message in _history.Where(unheard))
            {
                ears.Writer.TryWrite(message);
            }

            _present.Add(ears.Writer);
            return ears.Writer;
        }
    }

    public void Leave(ChannelWriter<Message> ears)
    {
        lock (_lock)
        {
            _present.Remove(ears);
            ears.TryComplete();
            if (_present.Count == 0 && _history.Count == 0)
            {
                rooms.Forget(this);
            }
        }
    }
}
