using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Calls;

/// <summary>
/// The most that the metadata of a call may take. What is over the limits of Kestrel ends a connection with all the calls on it, since HTTP/2 compresses headers
/// of all of them with one state; so Kestrel gets wide limits, and a call that is over ours is refused alone.
/// </summary>
internal static class MetadataLimit
{
    /// <summary>Bytes of names and values.</summary>
    public const int MaxBytes = 32 << 10;

    /// <summary>What Kestrel still takes, all headers of a request together and one of them. It ends a connection at twice the first.</summary>
    public const int MaxReadBytes = 512 << 10;

    /// <summary>Headers of a request that Kestrel takes.</summary>
    public const int MaxReadHeaders = 4096;

    /// <returns>Null for a call within the limit, and for requests that are no calls.</returns>
    public static CallFailure? Check(HttpContext context)
    {
        if (!GrpcHeaders.IsCall(context.Request))
        {
            return null;
        }

        var bytes = context.Request.Headers.Sum(static header => header.Value.Sum(value => header.Key.Length + (value?.Length ?? 0)));
        return bytes > MaxBytes ? CallFailure.TooLarge($"the call's metadata is {bytes} bytes; the limit is {MaxBytes}") : null;
    }
}
