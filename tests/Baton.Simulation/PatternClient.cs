using Baton.Stack;
using Baton.Tcp;
using Baton.Wire;

namespace Baton.Simulation;

/// <summary>The client's side of a <see cref="PatternPlan"/>: sends its pattern, checks the farm's, closes.</summary>
public sealed class PatternClient
{
    private readonly Farm _farm;
    private readonly FarmClient _client;
    private readonly PatternPlan _plan;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private long _sent;

    /// <summary>Connects.</summary>
    public PatternClient(Farm farm, FarmClient client, InetAddress address, ushort port, PatternPlan plan)
    {
        _farm = farm;
        _client = client;
        _plan = plan;
        Endpoint = client.Connect(address, port);
        var next = client.OnEvent;
        client.OnEvent = (endpoint, events) =>
        {
            next?.Invoke(endpoint, events);
            if (ReferenceEquals(endpoint, Endpoint))
            {
                OnEvents(events);
            }
        };
    }

    /// <summary>The connection.</summary>
    public TcpEndpoint Endpoint { get; }

    /// <summary>Bytes received.</summary>
    public long Received { get; private set; }

    /// <summary>Bytes that the stack took.</summary>
    public long Sent => _sent;

    /// <summary>No more than so many bytes are sent until it is raised.</summary>
    public long SendLimit { get; set; } = long.MaxValue;

    /// <summary>Whether data are read; without it the window closes.</summary>
    public bool Reads { get; set; } = true;

    /// <summary>Whether everything came, in order, and both directions are closed.</summary>
    public bool IsComplete => Received == _plan.Length && Endpoint.Connection!.ReadCompleted && _sent == _plan.Length;

    /// <summary>Goes on after a change of <see cref="SendLimit"/> or <see cref="Reads"/>.</summary>
    public void Continue()
    {
        Read();
        Write();
        _client.Touch();
    }

    private void OnEvents(EndpointEvents events)
    {
        if ((events & EndpointEvents.Closed) != 0 && Endpoint.Connection!.CloseReason != TcpCloseReason.Normal)
        {
            _farm.Errors.Add($"The client's connection ended: {Endpoint.Connection.CloseReason}.");
        }

        Read();
        Write();
    }

    private void Read()
    {
        while (Reads && Endpoint.Read(_farm.Now, _buffer) is > 0 and var read)
        {
            int wrong = _plan.ToClient.Mismatch(_buffer.AsSpan(0, read), Received);
            if (wrong >= 0)
            {
                _farm.Errors.Add($"The client read a wrong byte at {Received + wrong}.");
            }

            Received += read;
        }
    }

    private void Write()
    {
        while (_sent < Math.Min(_plan.Length, SendLimit) && Endpoint.IsEstablished)
        {
            int length = (int)Math.Min(_buffer.Length, Math.Min(_plan.Length, SendLimit) - _sent);
            _plan.FromClient.Fill(_buffer.AsSpan(0, length), _sent);
            int written = Endpoint.Write(_farm.Now, _buffer.AsSpan(0, length));
            _sent += written;
            if (written < length)
            {
                return;
            }
        }

        if (_sent == _plan.Length && Endpoint.Connection!.State is TcpState.Established or TcpState.CloseWait)
        {
            Endpoint.CloseWrite(_farm.Now);
        }
    }
}
