using System.Globalization;
using System.Text;
using Grpc.Core;

namespace LoupeGrpc.Server.Contract;

/// <summary>What of gRPC stands in the headers of HTTP: whether a request is a call, and the status that ends one.</summary>
internal static class GrpcHeaders
{
    public const string Status = "grpc-status";

    private const string Message = "grpc-message";
    private const string MediaType = "application/grpc";

    public static bool IsCall(HttpRequest request) => request.ContentType?.StartsWith(MediaType, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>A response that has a status and nothing behind it.</summary>
    public static void AnswerAtOnce(HttpResponse response, StatusCode status, string message)
    {
        response.ContentType = MediaType;
        WriteStatus(response.Headers, status, message);
    }

    /// <param name="headers">Or trailers.</param>
    public static void WriteStatus(IHeaderDictionary headers, StatusCode status, string message)
    {
        headers[Status] = ((int)status).ToString(CultureInfo.InvariantCulture);
        headers[Message] = Encode(message);
    }

    /// <summary>As gRPC wants it: whatever is not plain ASCII, percent-encoded in UTF-8.</summary>
    private static string Encode(string message)
    {
        var encoded = new StringBuilder();
        foreach (var letter in Encoding.UTF8.GetBytes(message))
        {
            _ = letter is >= 0x20 and <= 0x7e and not (byte)'%' ? encoded.Append((char)letter) : encoded.Append(CultureInfo.InvariantCulture, $"%{letter:X2}");
        }

        return encoded.ToString();
    }
}
