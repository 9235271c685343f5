using LoupeGrpc.Client.Internal;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client;

/// <content>How the session goes on with another connection.</content>
public sealed partial class LoupeSession
{
    /// <summary>As many connections in a row break over the same frame until it is given up. Pauses between them grow: this takes some seconds.</summary>
    private const int MaxBreaksOverOneFrame = 5;

    /// <summary>How far the session was when the last connection resumed it, and how often it has been there.</summary>
    private (ulong Frames, ulong Controls, ulong Received) _reached;
    private int _timesReached;

    /// <summary>The next connection, on which what the server lacks is being sent again.</summary>
    /// <param name="why">Why the one before broke; it is disposed.</param>
    /// <exception cref="LoupeException">There is none, or the server does not have the session any more.</exception>
    private async Task<SessionConnection> ResumeAsync(LoupeException why)
    {
        _outage ??= _connector.BeginOutage(Grant);
        if (_outage.Left <= TimeSpan.Zero)
        {
            throw new LoupeConnectionLostException($"each new connection broke again: {ProxyHints.LongCalls}");
        }

        _events.Writer.TryWrite(new LoupeDisconnected { Reason = why.Message, Window = _outage.Left });
        ClientLog.Disconnected(_connector.Logger, Grant.SessionId, _connector.Address, _outage.Left.TotalSeconds, why.Message);

        // Writers whose connection is gone come back soon; then nobody writes until the new one has caught up.
        await _resending.ConfigureAwait(false);
        await _writing.WaitAsync(_disposing.Token).ConfigureAwait(false);
        try
        {
            _connection = await _connector.ResumeAsync(Grant.ResumeToken, _received, _unanswered!.Answered(), _outage, _disposing.Token).ConfigureAwait(false);
        }
        catch
        {
            _writing.Release();
            throw;
        }

        AbandonUndeliverableFrame(_connection.Grant);
        var missing = _unanswered.Missing(_connection.Grant.NextSequence, _connection.Grant.ControlsReceived);
        var frames = missing.Count(message => message.PayloadCase == AnalyzeRequest.PayloadOneofCase.Frame);
        _events.Writer.TryWrite(new LoupeResumed { Outage = _outage.Elapsed, FramesSentAgain = frames });
        ClientLog.Resumed(_connector.Logger, Grant.SessionId, _connector.Address, _outage.Elapsed.TotalSeconds, frames);

        // Beside reading: a server may not take more before its answers are read.
        _resending = SendAgainAsync(_connection, missing);
        return _connection;
    }

    /// <summary>
    /// A frame over which every connection breaks would take along all others, until the server's window has passed. Called by who holds
    /// <see cref="_writing"/>: what was sent after it did not arrive either.
    /// </summary>
    private void AbandonUndeliverableFrame(SessionGrant grant)
    {
        var reached = (grant.NextSequence, grant.ControlsReceived, _received);
        _timesReached = reached == _reached ? _timesReached + 1 : 1;
        _reached = reached;
        if (_timesReached < MaxBreaksOverOneFrame
            || _unanswered!.Missing(grant.NextSequence, grant.ControlsReceived) is not [{ Frame: { } frame }, ..])
        {
            return;
        }

        _unanswered.Withdraw(grant.NextSequence);
        _ledger.Withdraw(grant.NextSequence, LoupeFailureCode.ConnectionLost, FormattableString.Invariant(
            $"the connection to {_connector.Address} broke {_timesReached} times while this frame of {frame.CalculateSize() / (1024.0 * 1024.0):0.0} MiB was sent: {ProxyHints.LargeMessages}"));
        _timesReached = 0;
    }

    /// <summary>Gives <see cref="_writing"/> back.</summary>
    private async Task SendAgainAsync(SessionConnection connection, IReadOnlyList<AnalyzeRequest> missing)
    {
        try
        {
            foreach (var message in missing)
            {
                await connection.WriteAsync(message).ConfigureAwait(false);
            }

            if (_halfClosed)
            {
                await connection.CompleteWritesAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _writing.Release();
        }
    }
}
