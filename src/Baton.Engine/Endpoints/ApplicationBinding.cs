using Baton.Wire;

namespace Baton.Engine;

/// <summary>An application bound to a service at this node.</summary>
/// <param name="EndPoint">The service.</param>
/// <param name="Protocol">The service's protocol.</param>
/// <param name="Application">The application's name.</param>
/// <param name="Accept">Makes the application of one endpoint, or gives null when no more can be taken now.</param>
/// <param name="TransparentMoves">Whether the engine may move the application's endpoints without asking.</param>
/// <param name="DeferAccept">Whether it gets TCP endpoints only when there is something to read, or nothing will come.</param>
public sealed record ApplicationBinding(
    BatonEndPoint EndPoint,
    IpProtocol Protocol,
    string Application,
    Func<IEndpointApplication?> Accept,
    bool TransparentMoves = false,
    bool DeferAccept = false)
{
    /// <summary>What listings call it.</summary>
    public string Socket => $"{Application} on {EndPoint}";

    /// <summary>Whether it serves a service.</summary>
    internal bool Serves(Service service) => EndPoint.Service == service.Name && Protocol == service.Protocol;
}
