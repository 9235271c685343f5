using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Logs;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Calls;

/// <summary><c>SessionAdminService</c>. Every call answers UNIMPLEMENTED where it is not switched on.</summary>
internal sealed class SessionAdminEndpoint(SessionRegistry sessions, ModelRepository models, AuditLog audit, LoupeOptions options)
    : SessionAdminService.SessionAdminServiceBase
{
    private const int MaxReasonLength = 256;

    public override Task<ListSessionsResponse> ListSessions(ListSessionsRequest request, ServerCallContext context)
    {
        RequireEnabled();
        return Task.FromResult(new ListSessionsResponse { Sessions = { sessions.List().Select(Describe) } });
    }

    public override Task<GetSessionResponse> GetSession(GetSessionRequest request, ServerCallContext context)
    {
        RequireEnabled();
        return Task.FromResult(new GetSessionResponse { Session = Describe(Find(request.SessionId)) });
    }

    public override Task<TerminateSessionResponse> TerminateSession(TerminateSessionRequest request, ServerCallContext context)
    {
        RequireEnabled();
        if (request.Reason.Length > MaxReasonLength)
        {
            throw new RpcException(new Status(
                StatusCode.InvalidArgument, $"the reason has {request.Reason.Length} characters, more than {MaxReasonLength}"));
        }

        Find(request.SessionId).BeginEnd(
            SessionEnd.Terminated(request.Reason),
            new SessionNotice(NoticeKind.Terminated, request.Reason),
            options.Shutdown.DrainTimeout);
        audit.Add(new AuditEntry(
            "administered",
            Caller.Of(context.GetHttpContext()).Owner,
            context.Peer,
            ("action", "terminate"), ("session", request.SessionId), ("reason", request.Reason)));
        return Task.FromResult(new TerminateSessionResponse());
    }

    public override async Task<ReloadModelResponse> ReloadModel(ReloadModelRequest request, ServerCallContext context)
    {
        RequireEnabled();
        var change = await models.ReloadAsync(request.Model, context.CancellationToken).ConfigureAwait(false)
            ?? throw new RpcException(new Status(StatusCode.InvalidArgument, models.Unknown(request.Model)));
        audit.Add(new AuditEntry(
            "administered",
            Caller.Of(context.GetHttpContext()).Owner,
            context.Peer,
            ("action", "reload_model"), ("model", change.Name), ("outcome", change.Refusal ?? (change.Changed ? "changed" : "unchanged"))));
        return change.Refusal is { } reason
            ? throw new RpcException(new Status(StatusCode.FailedPrecondition, reason))
            : new ReloadModelResponse { Model = change.Serving!.ToMessage(), Changed = change.Changed, SessionsLeft = (uint)change.Left };
    }

    private void RequireEnabled()
    {
        if (!options.Admin.Enabled)
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, "not switched on: Loupe:Admin:Enabled"));
        }
    }

    private AnalyzeSession Find(string id) =>
        sessions.Find(id) ?? throw new RpcException(new Status(StatusCode.NotFound, $"no session {id} is open"));

    private SessionInfo Describe(AnalyzeSession session)
    {
        var counts = session.Count();
        return new SessionInfo
        {
            SessionId = session.Id,
            SessionName = session.Name,
            Client = session.Client,
            Peer = session.Peer,
            Opened = session.OpenedAt.ToTimestamp(),
            Frames = counts.Frames,
            InFlight = (uint)counts.InFlight,
            Manipulated = counts.Manipulated,
            Execution = session.Work.Execution.ToMessage(),
            Adaptation = session.Work.Adaptation?.ToMessage(),
            ParkedSince = session.ParkedSince?.ToTimestamp(),
            Model = session.Work.Model.ToMessage(),
        };
    }
}
