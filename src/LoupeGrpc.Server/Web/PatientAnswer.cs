using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// Writes an answer that holds memory until it is sent, part by part. Kestrel's least rate is off, since sessions pause on purpose, and would know nothing of HTTP/2's streams: who does not take a part
/// of an answer in time is cut off, so that readers who never read cannot use up the memory of all. The system tells of room in its own buffer only when a third of that is free again, so that a
/// part may be a megabyte for the reader.
/// </summary>
internal static class PatientAnswer
{
    /// <summary>What Kestrel takes before it waits for the client.</summary>
    private const int PartBytes = 64 << 10;

    public static async Task WriteAsync(HttpContext http, ReadOnlyMemory<byte> answer, LoupeOptions options, TimeProvider time)
    {
        using var patience = new CancellationTokenSource(options.Connections.BodyTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, http.RequestAborted);
        try
        {
            for (var start = 0; start < answer.Length; start += PartBytes)
            {
                patience.CancelAfter(options.Connections.BodyTimeout);
                await http.Response.Body.WriteAsync(answer.Slice(start, Math.Min(PartBytes, answer.Length - start)), stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            http.Abort();
        }
    }
}
