using Baton.Wire;

namespace Baton.Handoff.Messages;

/// <summary>H→owner: there is no entry of this flow that names the endpoint.</summary>
internal static class GoneMessage
{
    public static byte[] Write(in Flow flow, EndpointId endpoint)
    {
        var message = HomeMessage.Allocate(HomeMessageKind.Gone, 6 + 2 * flow.Tuple.LocalAddress.Length + 8, out var body);
        body.Flow(flow);
        body.UInt64(endpoint.Value);
        body.End();
        return message;
    }

    public static bool TryRead(MessageReader body, out Flow flow, out EndpointId endpoint)
    {
        flow = body.Flow();
        endpoint = new EndpointId(body.UInt64());
        return body.IsExact;
    }
}
