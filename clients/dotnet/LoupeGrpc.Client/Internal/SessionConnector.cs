using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.V1;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Client.Internal;

/// <summary>Opens the connections of one session: the first, and those that resume it.</summary>
internal sealed class SessionConnector(
    ForgeryAnalysisService.ForgeryAnalysisServiceClient service, OpenSession open, Metadata headers, string address, Retries retries, TimeProvider time, ILogger logger)
{
    /// <summary>For servers that do not say how long they keep a session.</summary>
    private static readonly TimeSpan DefaultWindow = TimeSpan.FromSeconds(30);

    /// <summary>Without a path, and without credentials.</summary>
    public string Address => address;

    public ILogger Logger => logger;

    /// <exception cref="LoupeException">The server refused the session, or there is none.</exception>
    public Task<SessionConnection> OpenAsync(CancellationToken cancellationToken) =>
        retries.ConnectAsync(token => SessionConnection.OpenAsync(service, open, headers, address, token), cancellationToken);

    /// <summary>A time in which the session may still be resumed begins.</summary>
    /// <param name="grant">What the session was given.</param>
    public Outage BeginOutage(SessionGrant grant) => new(grant.ResumeWindow is null ? DefaultWindow : WireDurations.Read(grant.ResumeWindow), time);

    /// <summary>Another connection for the session, tried until the outage has lasted as long as the server keeps it.</summary>
    /// <param name="token">The session's.</param>
    /// <param name="received">Outcomes, replies and events received.</param>
    /// <param name="answered">The first frame without an outcome, and controls with a reply.</param>
    /// <exception cref="LoupeException">The session cannot be resumed.</exception>
    public async Task<SessionConnection> ResumeAsync(ByteString token, ulong received, (ulong Frames, ulong Controls) answered, Outage outage, CancellationToken cancellationToken)
    {
        // Nothing that a server which does not know the session any more would have to keep.
        var resume = new OpenSession
        {
            SessionName = open.SessionName,
            Client = open.Client,
            MaxResponseBytes = open.MaxResponseBytes,
            ResumeToken = token,
            ResponsesReceived = received,
            FramesAnswered = answered.Frames,
            ControlsAnswered = answered.Controls,
        };
        var connection = await retries.ReconnectAsync(
            attempt => SessionConnection.OpenAsync(service, resume, headers, address, attempt), outage, cancellationToken).ConfigureAwait(false);
        if (connection.Grant.Resumed)
        {
            return connection;
        }

        connection.Dispose();
        throw new LoupeConnectionLostException(
            $"the server at {address} does not have the session any more: {Reason(connection.Grant)}");
    }

    private static string Reason(SessionGrant grant) =>
        grant.Unavailable.FirstOrDefault(missing => missing.Feature == "resume_token")?.Reason ?? "it was restarted, or its resume window has passed";
}
