using Baton.Wire;

namespace Baton.Engine;

/// <summary>What is known of an attachment from its beginning and does not change.</summary>
/// <param name="Id">The endpoint at this node.</param>
/// <param name="Flow">Protocol and four-tuple.</param>
/// <param name="Service">The service the client uses, or null.</param>
/// <param name="Application">The application's name.</param>
/// <param name="Socket">What binds it: the listener's address, or how it was attached.</param>
/// <param name="HandedOver">Whether another application had the endpoint before.</param>
/// <param name="HandedOverFrom">The node it came from, or null when it began here.</param>
/// <param name="Context">What the previous application gave.</param>
public sealed record AttachmentFacts(
    EndpointId Id,
    Flow Flow,
    string? Service,
    string Application,
    string Socket,
    bool HandedOver,
    string? HandedOverFrom,
    ReadOnlyMemory<byte> Context);
