using Baton.Simulation;
using Baton.Wire;

namespace Baton.Engine.Tests;

/// <summary>An application that goes on with the pattern of the connection's flow.</summary>
internal sealed class Serving(Farm farm, FarmNode node, Dictionary<Flow, PatternPlan> plans) : IEndpointApplication
{
    private PatternApplication? _application;

    public void OnAttached(Attachment attachment)
    {
        _application = new PatternApplication(farm, node, plans[attachment.Facts.Flow]);
        _application.OnAttached(attachment);
    }

    public void OnReadable(Attachment attachment) => _application!.OnReadable(attachment);

    public void OnWritable(Attachment attachment) => _application!.OnWritable(attachment);

    public void OnMoveRequested(Attachment attachment, MoveRequest request) => _application!.OnMoveRequested(attachment, request);

    public void OnHandOffFailed(Attachment attachment, MoveResult result) => _application!.OnHandOffFailed(attachment, result);

    public void OnLeft(Attachment attachment, LeaveReason reason) => _application!.OnLeft(attachment, reason);
}
