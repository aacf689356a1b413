using System.Net;
using Baton.Bench.Machine;
using Baton.Link;

namespace Baton.Bench.Paths;

/// <summary>The kernel sends the pattern on each connection until its client goes, each by a thread of its own.</summary>
internal sealed class KernelSource
{
    public KernelSource(string networkNamespace, IPEndPoint endPoint, int connections, string congestionControl)
    {
        EndPoint = endPoint;
        var listener = NetworkNamespace.Run(networkNamespace, () => KernelSocket.Listen(endPoint));
        listener.UseCongestionControl(congestionControl);
        Start("kernel", () =>
        {
            for (int i = 0; i < connections; i++)
            {
                var socket = listener.AcceptSpinning(TimeSpan.Zero);
                Start("kernel source", () => Send(socket));
            }

            listener.Close();
        });
    }

    public IPEndPoint EndPoint { get; }

    private static void Start(string name, Action action) => new Thread(() => action()) { Name = name, IsBackground = true }.Start();

    private static void Send(KernelSocket socket)
    {
        long position = 0;
        int sent;
        while ((sent = socket.Send(Pattern.At(position))) > 0)
        {
            position += sent;
        }

        socket.Close();
    }
}
