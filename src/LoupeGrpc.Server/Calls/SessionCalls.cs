using System.Security.Cryptography;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary><c>Analyze</c>: from the message that opens or resumes a session to the status that ends the call.</summary>
internal sealed class SessionCalls(
    SessionServices services, SessionRegistry sessions, ServingState serving, CallerQuotas quotas, ILogger<SessionCalls> logger)
{
    private readonly UnopenedCalls _unopened = new(services.Options.Connections.MaxUnopenedCalls);

    /// <returns>Why the call ends, if not well: its client is told by what carries it. Null also where nobody is there to be told.</returns>
    public async Task<CallFailure?> ServeAsync(ICallStream stream)
    {
        var transport = new SessionTransport(stream, services.Options);
        await using var call = new SessionCall(transport, services.Time);
        var (session, failure) = await OpenAsync(transport, call).ConfigureAwait(false);
        return session is null ? failure : await ServeAsync(session, call, transport.Caller).ConfigureAwait(false);
    }

    /// <summary>A session that no message of the contract opens, and none resumes: its client speaks something else.</summary>
    /// <returns>As the other.</returns>
    public async Task<CallFailure?> ServeAsync(ISessionTransport transport, Caller caller, SessionOpening opening, string model)
    {
        await using var call = new SessionCall(transport, services.Time);
        return caller.Revoked.IsCancellationRequested ? Refuse(transport.Peer, caller, SessionEnd.Revoked.Failure!)
            : Open(opening, model, default, call, caller, out var refusal) is { } session ? await ServeAsync(session, call, caller).ConfigureAwait(false)
            : Refuse(transport.Peer, caller, refusal!);
    }

    private static async Task<CallFailure?> ServeAsync(AnalyzeSession session, SessionCall call, Caller caller)
    {
        session.EndWhenRevoked(caller.Revoked);
        var end = await session.ServeAsync(call).ConfigureAwait(false);
        if (end == SessionEnd.TakenOver)
        {
            await call.NotifyTakenOverAsync().ConfigureAwait(false);
        }

        return end.Failure;
    }

    /// <summary>Apart from what serves the session, which would keep the message that opens it as long as that lasts, with all that stands in it.</summary>
    /// <returns>Neither where the client vanished first.</returns>
    private async Task<(AnalyzeSession? Session, CallFailure? Failure)> OpenAsync(SessionTransport transport, SessionCall call)
    {
        var (open, failure) = await ReadOpenAsync(transport).ConfigureAwait(false);
        if (open is null)
        {
            return (null, failure);
        }

        if (transport.Caller.Revoked.IsCancellationRequested)
        {
            return (null, Refuse(transport, SessionEnd.Revoked.Failure!));
        }

        (var session, var problem, failure) = await ResumeAsync(open, call, transport.Caller).ConfigureAwait(false);
        session ??= failure is null ? Open(open, call, transport.Caller, problem, out failure) : null;
        return session is null ? (null, Refuse(transport, failure!)) : (session, null);
    }

    /// <returns>Neither where the client vanished first.</returns>
    private async Task<(OpenSession? Open, CallFailure? Failure)> ReadOpenAsync(SessionTransport transport)
    {
        var limits = services.Options.Connections;
        if (!_unopened.TryEnter(transport.Connection))
        {
            return (null, Refuse(transport, ServerBusy.TooManyUnopened(limits)));
        }

        // A call that opens nothing must not hold up a server that stops.
        using var patience = new CancellationTokenSource(limits.OpenTimeout, services.Time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(transport.Gone, serving.Draining, patience.Token);
        try
        {
            var (open, violation) = await transport.ReadOpenAsync(waiting.Token).ConfigureAwait(false);
            return (open, violation is null ? null : Refuse(transport, violation));
        }
        catch (OperationCanceledException) when (serving.IsDraining && !transport.Gone.IsCancellationRequested)
        {
            return (null, Refuse(transport, ServerBusy.Stopping));
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !transport.Gone.IsCancellationRequested)
        {
            return (null, Refuse(transport, ServerBusy.OpensNothing(limits)));
        }
        catch (OperationCanceledException) when (transport.Gone.IsCancellationRequested)
        {
            // Whatever ended the wait: in the same moment the client went, and hears nothing.
            return default;
        }
        finally
        {
            _unopened.Leave(transport.Connection);
        }
    }

    /// <returns>No session and no refusal: none has the token, maybe with the reason, or none was given.</returns>
    private async Task<(AnalyzeSession? Session, string? Problem, CallFailure? Refusal)> ResumeAsync(OpenSession open, SessionCall call, Caller caller)
    {
        if (open.ResumeToken.IsEmpty)
        {
            return default;
        }

        var session = sessions.FindByToken(open.ResumeToken.Span, caller.Owner);
        if (session is not null && await SessionKeeping.IsFencedOutAsync(session).ConfigureAwait(false))
        {
            sessions.Remove(session);
            session = null;
        }

        string? problem = null;
        CallFailure? refusal = null;
        if (session is null && services.Keeping.IsOn && !serving.IsDraining)
        {
            (session, problem, refusal) = await services.Keeping.FindAsync(
                open.ResumeToken.Memory, caller.Owner, OpenReader.ClaimOf(open), stored => Restore(stored, call.Peer, caller)).ConfigureAwait(false);
        }

        return session is not null && session.TryAttach(call, open.ResponsesReceived, out refusal) ? (session, null, null) : (null, problem, refusal);
    }

    private FoundSession Restore(StoredSession stored, string peer, Caller caller)
    {
        var facts = stored.Record.Facts;
        if (services.Models.TryTakePackage(facts.Model, facts.Settings.Deterministic) is not { } lease)
        {
            return new FoundSession(null, services.Models.UnknownPackage(facts.Model));
        }

        var session = AnalyzeSession.Restore(
            Complete(stored.ToOpening(services.Options.Limits, services.Options.Receipts.AreSigned), peer, caller, lease), lease, stored, services, sessions.Remove);
        if (sessions.TryAdd(session, out var refusal))
        {
            return new FoundSession(session, null);
        }

        session.TryDrop(SessionEnd.MadeRoom);
        return new FoundSession(null, null, refusal);
    }

    /// <param name="problem">Why the session that it asks for is not there, where that is known.</param>
    /// <returns>Null with a refusal.</returns>
    private AnalyzeSession? Open(OpenSession open, SessionCall call, Caller caller, string? problem, out CallFailure? refusal)
    {
        if (OpenReader.Read(open, services.Options, services.ThresholdsOf(open.Model), out refusal) is not { } opening)
        {
            return null;
        }

        if (problem is not null)
        {
            opening = opening with { Missing = Features.WithReason(opening.Missing, problem) };
        }

        return Open(opening, open.Model, open.AdaptationSnapshot.Memory, call, caller, out refusal);
    }

    /// <returns>Null with a refusal.</returns>
    private AnalyzeSession? Open(SessionOpening opening, string model, ReadOnlyMemory<byte> snapshot, SessionCall call, Caller caller, out CallFailure? refusal)
    {
        if (services.Models.TryTake(model, opening.Analysis.Deterministic) is not { } lease)
        {
            refusal = CallFailure.Invalid($"the session cannot be opened: {services.Models.Unknown(model)}");
            return null;
        }

        var session = new AnalyzeSession(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
            Complete(opening, call.Peer, caller, lease),
            lease,
            snapshot,
            services,
            sessions.Remove);
        session.TryAttach(call, 0, out _);
        if (sessions.TryAdd(session, out refusal))
        {
            return session;
        }

        session.Dispose();
        return null;
    }

    /// <summary>With what its client does not say.</summary>
    private SessionOpening Complete(SessionOpening opening, string peer, Caller caller, ModelLease lease) => opening with
    {
        Owner = caller.Owner,
        Address = PeerAddress.Of(peer),
        Quota = quotas.Of(caller),
        ModelThresholds = lease.Model.Calibration?.Thresholds,
    };

    private CallFailure Refuse(SessionTransport transport, CallFailure failure) => Refuse(transport.Peer, transport.Caller, failure);

    private CallFailure Refuse(string peer, Caller caller, CallFailure failure)
    {
        services.Audit.Add(AuditEntry.Refused(caller.Owner, peer, "Analyze", failure.Message));
        CallLog.Refused(logger, peer, failure.Message);
        return failure;
    }
}
