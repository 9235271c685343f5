namespace LoupeGrpc.Client;

/// <summary>Why a frame has no result. The server's codes, and those that only a client can give.</summary>
public enum LoupeFailureCode
{
    /// <summary>A fault of the server, or a code this client does not know.</summary>
    Internal,

    /// <summary>The data is not what it should be: not a picture, truncated, wrong stride. Sending it again will not help.</summary>
    Invalid,

    /// <summary>Over a limit of the server; the message names the limit and its setting.</summary>
    TooLarge,

    /// <summary>Understood, but this server does not do it.</summary>
    Unsupported,

    /// <summary>No room now; may be sent again later.</summary>
    Overloaded,

    /// <summary>A deadline passed. In calls outside sessions; frames have <see cref="LoupeExpired"/>.</summary>
    Expired,

    /// <summary>The caller gave up, or the server is stopping.</summary>
    Canceled,

    /// <summary>The model or what runs it failed.</summary>
    ModelFault,

    /// <summary>Client only: there is nothing at the path.</summary>
    NotFound,

    /// <summary>Client only: the file, video or camera could not be read.</summary>
    Unreadable,

    /// <summary>Client only: the connection or session ended before the frame had its outcome. It may have been analysed.</summary>
    ConnectionLost,
}
