using Google.Protobuf;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>Responses as the messages that they are on the wire.</summary>
internal sealed class ResponseEncoding : IResponseEncoding
{
    public byte[] Encode(SessionResponse response) => response.ToMessage().ToByteArray();

    public bool IsResponse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return AnalyzeResponse.Parser.ParseFrom(bytes.Span).PayloadCase
                is AnalyzeResponse.PayloadOneofCase.Outcome or AnalyzeResponse.PayloadOneofCase.ControlReply or AnalyzeResponse.PayloadOneofCase.Event;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
