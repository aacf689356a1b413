using Baton.Engine;

namespace Baton.Kestrel;

/// <summary>Who made a connection's transport and is told what becomes of it.</summary>
internal interface IConnectionOwner
{
    /// <summary>Seals what a connection takes along.</summary>
    ContextSeal Seal { get; }

    /// <summary>The transport has ended.</summary>
    void Forget(BatonConnection connection);

    /// <summary>The connection was to leave and could not: it is to be served here again.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="unread">Bytes of its stream that were taken and not used.</param>
    /// <param name="carried">What it would have taken along.</param>
    void Readmit(Connection connection, ReadOnlyMemory<byte> unread, CarriedConnection carried);
}
