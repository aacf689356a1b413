using Baton.Wire;

namespace Baton.Link;

/// <summary>What the NIC program says of a frame that it hands up.</summary>
/// <param name="Verdict">Why it was handed up.</param>
/// <param name="Endpoint">Whose packet it is, of a local or encapsulated one; none where that is not known.</param>
/// <param name="Epoch">Of the reference that the program knows the endpoint by.</param>
public readonly record struct NicMark(NicVerdict Verdict, EndpointId Endpoint, Epoch Epoch);
