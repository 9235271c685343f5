using Grpc.Core;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Internal;

/// <summary>One `Analyze` call that was granted. A session that is resumed has several, one after the other. Disposing it ends the call at once.</summary>
internal sealed class SessionConnection : IDisposable
{
    private readonly AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> _call;
    private readonly string _address;

    private SessionConnection(AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> call, SessionGrant grant, string address)
    {
        _call = call;
        _address = address;
        Grant = grant;
    }

    public SessionGrant Grant { get; }

    /// <summary>Waits for the grant.</summary>
    /// <exception cref="RpcException">The server refused, or cannot be reached.</exception>
    /// <exception cref="LoupeUnavailableException">What answers speaks another version of the contract.</exception>
    public static async Task<SessionConnection> OpenAsync(
        ForgeryAnalysisService.ForgeryAnalysisServiceClient service, OpenSession open, Metadata headers, string address, CancellationToken cancellationToken)
    {
        var call = service.Analyze(headers, cancellationToken: CancellationToken.None);
        try
        {
            using var abandon = cancellationToken.Register(static call => ((IDisposable)call!).Dispose(), call);
            try
            {
                await call.RequestStream.WriteAsync(new AnalyzeRequest { Open = open }, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error) when (IsBroken(error))
            {
                // The response says why.
            }

            if (!await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false)
                || call.ResponseStream.Current.PayloadCase != AnalyzeResponse.PayloadOneofCase.Granted)
            {
                throw new LoupeUnavailableException($"the server at {address} did not grant the session: it speaks another version of loupe.v1");
            }

            return new SessionConnection(call, call.ResponseStream.Current.Granted, address);
        }
        catch (Exception error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var status = error is OperationCanceledException ? StatusOf(call) : null;
            call.Dispose();
            if (status is not null)
            {
                throw status;
            }

            throw;
        }
    }

    /// <summary>A broken transport is not the writer's business: the reader sees it too, and decides what becomes of the message.</summary>
    public async Task WriteAsync(AnalyzeRequest message)
    {
        try
        {
            await _call.RequestStream.WriteAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (IsBroken(error))
        {
        }
    }

    /// <summary>Half-close. See <see cref="WriteAsync"/> for what becomes of failures.</summary>
    public async Task CompleteWritesAsync()
    {
        try
        {
            await _call.RequestStream.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (IsBroken(error))
        {
        }
    }

    /// <summary>Hands over every response behind the grant, until the call is over.</summary>
    /// <param name="take">Says why the session cannot go on; null: it can.</param>
    public async Task<ConnectionEnd> ReadAsync(Func<AnalyzeResponse, LoupeException?> take)
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
            {
                if (take(_call.ResponseStream.Current) is { } fault)
                {
                    return new ConnectionEnd(fault, IsTransport: false);
                }
            }

            return new ConnectionEnd(
                new LoupeConnectionLostException($"the server at {_address} ended the session before it was completed"), IsTransport: false);
        }
        catch (RpcException error)
        {
            return EndOf(error);
        }
        catch (Exception error)
        {
            return StatusOf(_call) is { } status
                ? EndOf(status)
                : new ConnectionEnd(new LoupeConnectionLostException($"the connection to {_address} broke ({error.Message})", error), IsTransport: true);
        }
    }

    public void Dispose() => _call.Dispose();

    private ConnectionEnd EndOf(RpcException error) => new(RpcErrors.ToSessionFault(error, _address), RpcErrors.IsTransport(error));

    /// <summary>A call that broke while nobody read from it says "canceled" to the next reader; this is why it broke.</summary>
    private static RpcException? StatusOf(AsyncDuplexStreamingCall<AnalyzeRequest, AnalyzeResponse> call)
    {
        try
        {
            return new RpcException(call.GetStatus());
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>
    /// What grpc-dotnet throws from writes to a call that is over. A NullReferenceException is .NET's own, from an HTTP/2 stream that is reset while it
    /// is written to.
    /// </summary>
    private static bool IsBroken(Exception error) =>
        error is RpcException or OperationCanceledException or ObjectDisposedException or IOException or InvalidOperationException or NullReferenceException;
}

/// <summary>How a call ended.</summary>
/// <param name="Fault">Why the session is over, unless it was completed.</param>
/// <param name="IsTransport">The way to the server broke: the session itself may live on there.</param>
internal readonly record struct ConnectionEnd(LoupeException Fault, bool IsTransport);
