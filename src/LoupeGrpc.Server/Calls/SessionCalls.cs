using System.Security.Cryptography;
using Grpc.Core;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary><c>Analyze</c>: from the message that opens or resumes a session to the status that ends the call.</summary>
internal sealed class SessionCalls(
    SessionServices services, SessionRegistry sessions, ServingState serving, CallerQuotas quotas, ILogger<SessionCalls> logger)
{
    private readonly UnopenedCalls _unopened = new(services.Options.Connections.MaxUnopenedCalls);

    public async Task ServeAsync(GrpcSessionTransport transport)
    {
        if (await ReadOpenAsync(transport).ConfigureAwait(false) is not { } open)
        {
            return;
        }

        if (transport.Caller.Revoked.IsCancellationRequested)
        {
            throw Refuse(transport.Peer, transport.Caller, SessionEnd.Revoked.Failure!);
        }

        await using var call = new SessionCall(transport, services.Time);
        var session = Resume(open, call, transport.Caller) ?? Open(open, call, transport.Caller);
        using var revoked = transport.Caller.Revoked.UnsafeRegister(static session => Revoke((AnalyzeSession)session!), session);
        var end = await session.ServeAsync(call).ConfigureAwait(false);
        if (end == SessionEnd.TakenOver)
        {
            await call.NotifyTakenOverAsync().ConfigureAwait(false);
        }

        if (end.Failure is not null)
        {
            throw end.Failure.ToRpcException();
        }
    }

    /// <returns>Null where the client vanished first.</returns>
    private async Task<OpenSession?> ReadOpenAsync(GrpcSessionTransport transport)
    {
        var limits = services.Options.Connections;
        if (!_unopened.TryEnter(transport.Connection))
        {
            throw Refuse(transport.Peer, transport.Caller, ServerBusy.TooManyUnopened(limits));
        }

        // A call that opens nothing must not hold up a server that stops.
        using var patience = new CancellationTokenSource(limits.OpenTimeout, services.Time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(transport.Gone, serving.Draining, patience.Token);
        try
        {
            var (open, violation) = await transport.ReadOpenAsync(waiting.Token).ConfigureAwait(false);
            return violation is null ? open : throw Refuse(transport.Peer, transport.Caller, violation);
        }
        catch (OperationCanceledException) when (serving.IsDraining && !transport.Gone.IsCancellationRequested)
        {
            throw Refuse(transport.Peer, transport.Caller, ServerBusy.Stopping);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !transport.Gone.IsCancellationRequested)
        {
            throw Refuse(transport.Peer, transport.Caller, ServerBusy.OpensNothing(limits));
        }
        finally
        {
            _unopened.Leave(transport.Connection);
        }
    }

    /// <summary>Null where no session has the token, or none was given.</summary>
    private AnalyzeSession? Resume(OpenSession open, SessionCall call, Caller caller)
    {
        if (open.ResumeToken.IsEmpty || sessions.FindByToken(open.ResumeToken.Span, caller.Owner) is not { } session)
        {
            return null;
        }

        return session.TryAttach(call, open.ResponsesReceived, out var refusal) ? session
            : refusal is not null ? throw Refuse(call.Peer, caller, refusal)
            : null;
    }

    private AnalyzeSession Open(OpenSession open, SessionCall call, Caller caller)
    {
        var opening = OpenReader.Read(open, services.Options, out var failure) ?? throw Refuse(call.Peer, caller, failure!);
        var session = new AnalyzeSession(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), opening with { Owner = caller.Owner, Quota = quotas.Of(caller) }, open.AdaptationSnapshot.Memory, services, sessions.Remove);
        session.TryAttach(call, 0, out _);
        if (!sessions.TryAdd(session, out var refusal))
        {
            session.Dispose();
            throw Refuse(call.Peer, caller, refusal);
        }

        return session;
    }

    /// <summary>Frames that wait are dropped: who was let in for them is so no longer.</summary>
    private static void Revoke(AnalyzeSession session) =>
        session.BeginEnd(SessionEnd.Revoked, new SessionNotice(NoticeKind.Terminated, SessionEnd.Revoked.Failure!.Message), TimeSpan.Zero);

    private RpcException Refuse(string peer, Caller caller, CallFailure failure)
    {
        services.Audit.Add(AuditEntry.Refused(caller.Owner, peer, "Analyze", failure.Message));
        CallLog.Refused(logger, peer, failure.Message);
        return failure.ToRpcException();
    }
}
