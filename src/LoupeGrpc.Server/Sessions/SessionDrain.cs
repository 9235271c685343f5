using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Health;

namespace LoupeGrpc.Server.Sessions;

/// <summary>
/// Lets sessions finish before connections are closed. Until then probes hear that the server is stopping, and new callers on a connection that they have;
/// others find nobody, so that a proxy sends them to the next server.
/// </summary>
internal sealed class SessionDrain(SessionRegistry sessions, OpenStreams streams, ServingState serving, LoupeOptions options, TimeProvider time, ILogger<SessionDrain> logger)
    : IHostedLifecycleService
{
    /// <summary>Of the time to drain, the part for analysing; the rest is for handing over the last outcomes.</summary>
    private const double AnalysingShare = 0.9;

    /// <summary>
    /// From the last answer until connections are closed. A client that had more to send throws away what it has not read yet when its
    /// connection is closed under it (.NET's does).
    /// </summary>
    public static TimeSpan Linger { get; } = TimeSpan.FromSeconds(1);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        serving.MarkDraining();
        var timeout = options.Shutdown.DrainTimeout;
        var open = sessions.Connected;
        var hasListeners = open + streams.Count > 0;
        SessionLog.Draining(logger, open, timeout.TotalSeconds);
        try
        {
            await Task.WhenAll(sessions.DrainAsync(timeout * AnalysingShare), streams.EndAsync()).WaitAsync(timeout, time, cancellationToken).ConfigureAwait(false);
            if (hasListeners)
            {
                await Task.Delay(Linger, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            SessionLog.DrainTimedOut(logger, sessions.Count, timeout.TotalSeconds);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
