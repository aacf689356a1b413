namespace Baton.Stack;

/// <summary>Why a connection could not be opened.</summary>
public enum ConnectFailure : byte
{
    /// <summary>It could.</summary>
    None,

    /// <summary>No interface leads to the remote address from an address of its family.</summary>
    NoRoute,

    /// <summary>Every ephemeral port towards that remote address and port is in use.</summary>
    NoFreePort,

    /// <summary>The local port asked for has a connection to the same remote end.</summary>
    InUse,

    /// <summary>There are as many endpoints as may be.</summary>
    NoRoom,
}
