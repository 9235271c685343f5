using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Server.Calls;

namespace LoupeGrpc.Server.Web;

/// <summary>Requests with bodies: whatever becomes of one, its client hears it.</summary>
internal sealed class BodyRequests(TimeProvider time, ILogger<BodyRequests> logger)
{
    /// <summary>For an answer to arrive before its connection is broken off.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(250);

    /// <param name="answer">Reads and answers; what it throws is told.</param>
    /// <param name="tell">How the client is told of a problem.</param>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever it is, the caller is told that it is a fault of ours.")]
    public async Task AnswerAsync(HttpContext http, Func<HttpContext, Task> answer, Func<HttpContext, Problem, Task> tell)
    {
        try
        {
            await answer(http).ConfigureAwait(false);
        }
        catch (ProblemException exception)
        {
            await tell(http, exception.Problem).ConfigureAwait(false);
            if (exception.IsUnfinished)
            {
                // Kestrel would wait for the rest of a body whose reading was given up, and log an error that it cannot.
                await http.Response.CompleteAsync().ConfigureAwait(false);
                await Task.Delay(Linger, time, CancellationToken.None).ConfigureAwait(false);
                http.Abort();
            }
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception exception) when (CallFaults.IsBroken(exception))
        {
            // Nor here, and the request's token will say so in a moment. Kestrel would try to read on meanwhile, and log an error that it cannot.
            http.Abort();
        }
        catch (Exception exception) when (exception is BadHttpRequestException or IOException or InvalidDataException)
        {
            await tell(http, Problem.Invalid($"the body cannot be read: {exception.Message.TrimEnd('.')}")).ConfigureAwait(false);
        }
        catch (Exception exception) when (!http.Response.HasStarted)
        {
            WebLog.Faulted(logger, http.Request.Path, exception);
            await tell(http, new Problem(StatusCodes.Status500InternalServerError, "INTERNAL", "an internal error of the server ended the request; its log has the reason"))
                .ConfigureAwait(false);
        }
    }
}

internal static partial class WebLog
{
    [LoggerMessage(EventId = 540, Level = LogLevel.Error, Message = "An internal error ended a request to {Path}.")]
    public static partial void Faulted(ILogger logger, string path, Exception exception);
}
