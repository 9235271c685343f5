namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>Responses as bytes, in which they wait outside this server until they are written.</summary>
internal interface IResponseEncoding
{
    byte[] Encode(SessionResponse response);

    /// <summary>Whether bytes are those of a response.</summary>
    bool IsResponse(ReadOnlyMemory<byte> bytes);
}
