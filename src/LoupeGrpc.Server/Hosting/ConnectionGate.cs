using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// Lets a number of connections in at a time, and of those only such as speak. Each is a file: where a process has no file left it can neither serve nor refuse,
/// and Kestrel tries for ever. Thread-safe.
/// </summary>
/// <param name="limit">Connections.</param>
/// <param name="silence">How long one may say nothing at first.</param>
internal sealed class ConnectionGate(int limit, TimeSpan silence, TimeProvider time, ILogger<ConnectionGate> logger)
{
    /// <summary>Of the log: whoever is refused tries again, thousands of times.</summary>
    private static readonly TimeSpan LogPause = TimeSpan.FromMinutes(1);

    private readonly Lock _refusing = new();
    private int _inside;
    private long _refused;
    private long? _loggedAt;

    /// <summary>What serves the connections that are let in.</summary>
    public ConnectionDelegate Guard(ConnectionDelegate next) => connection => ServeAsync(connection, next);

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        try
        {
            if (Interlocked.Increment(ref _inside) > limit)
            {
                Refuse();
                connection.Abort();
            }
            else if (await SpeaksAsync(connection).ConfigureAwait(false))
            {
                await next(connection).ConfigureAwait(false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    /// <summary>Looks at the first bytes and leaves them where they are.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever ends a connection that has said nothing, there is nobody to tell.")]
    private async Task<bool> SpeaksAsync(ConnectionContext connection)
    {
        var closing = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var patience = new CancellationTokenSource(silence, time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, connection.ConnectionClosed, closing);
        try
        {
            var first = await connection.Transport.Input.ReadAsync(waiting.Token).ConfigureAwait(false);
            connection.Transport.Input.AdvanceTo(first.Buffer.Start);
            return !first.Buffer.IsEmpty;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private void Refuse()
    {
        lock (_refusing)
        {
            _refused++;
            if (_loggedAt is null || time.GetElapsedTime(_loggedAt.Value) >= LogPause)
            {
                _loggedAt = time.GetTimestamp();
                ConnectionGateLog.Refused(logger, limit, _refused);
            }
        }
    }
}

internal static partial class ConnectionGateLog
{
    [LoggerMessage(
        EventId = 530,
        Level = LogLevel.Warning,
        Message = "{Limit} connections are open already: another is refused, {Count} so far (Loupe:Connections:MaxConnections, and the limit of open files, 'ulimit -n').")]
    public static partial void Refused(ILogger logger, int limit, long count);
}
