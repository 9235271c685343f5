using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Inference;

/// <summary>
/// The sequences that are open, each of them a session that adapts. Their names are of whoever opened them; those who are not known share theirs. Thread-safe.
/// </summary>
internal sealed class Sequences(SessionCalls calls, LiveOptions live, TimeProvider time, ILogger<Sequences> logger)
{
    private const string ClientName = "KServe v2";

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Owner, string Model, string Id), Sequence> _open = [];

    /// <inheritdoc cref="InferenceRunner.RunAsync"/>
    public async Task<InferenceFindings> AnalyzeAsync(InferenceCall call, AnalysisSettings settings, InferenceClient client, Action taken, CancellationToken cancellationToken)
    {
        var (sequence, ends) = Add(call, settings, client, taken);
        try
        {
            var grant = await sequence.Granted.WaitAsync(cancellationToken).ConfigureAwait(false);
            var all = await Task.WhenAll(ends).WaitAsync(cancellationToken).ConfigureAwait(false);
            var missing = grant.Adaptation is null ? grant.Missing.FirstOrDefault(static feature => feature.Feature.Contains("adaptation", StringComparison.Ordinal))?.Reason : null;
            return new InferenceFindings(all, grant.Model, missing ?? sequence.LostAdaptation);
        }
        finally
        {
            sequence.Leave();
        }
    }

    private (Sequence Sequence, IReadOnlyList<Task<FrameEnd>> Ends) Add(InferenceCall call, AnalysisSettings settings, InferenceClient client, Action taken)
    {
        var (id, isStart, isEnd) = (call.Parameters.Sequence!, call.Parameters.IsStart, call.Parameters.IsEnd);
        var key = (client.Caller.Owner, call.Model, id);
        var patience = live.Current.Sessions.ResumeWindow;
        if (patience == TimeSpan.Zero)
        {
            throw InferenceException.Of(new FrameFailure(FailureKind.Unsupported, "sequences are sessions that are kept between requests, and this server keeps none: Loupe:Sessions:ResumeWindow is 0"));
        }

        lock (_lock)
        {
            _open.TryGetValue(key, out var sequence);
            if (isStart)
            {
                // Whoever begins anew has no use for what was.
                sequence?.Close();
                sequence = new Sequence(client.Peer, settings, patience, time);
                _open[key] = sequence;
            }

            if (sequence?.TryAdd(call.Pictures, settings, taken, isEnd) is not { } ends)
            {
                throw InferenceException.Invalid(
                    $"inference request for sequence {ShownText.Of(id)} to model '{call.Model}' must specify the START flag on the first request of the sequence "
                        + FormattableString.Invariant($"(one without a request for {patience.TotalSeconds:0.###} s is over: Loupe:Sessions:ResumeWindow)"));
            }

            if (isStart)
            {
                _ = ServeAsync(key, sequence, client, OpeningOf(id, settings));
            }

            return (sequence, ends);
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever it is, those who wait are told that it is a fault of ours.")]
    private async Task ServeAsync((string Owner, string Model, string Id) key, Sequence sequence, InferenceClient client, SessionOpening opening)
    {
        await Task.Yield();
        var failure = CallFailure.Invalid("the sequence is over: start it anew");
        try
        {
            failure = await calls.ServeAsync(sequence, client.Caller, opening, key.Model).ConfigureAwait(false) ?? failure;
        }
        catch (Exception exception)
        {
            InferenceLog.SequenceFaulted(logger, key.Id, exception);
            failure = CallFailure.Internal("an internal error of the server ended the sequence; its log has the reason");
        }

        lock (_lock)
        {
            // Under its name there may be another by now.
            if (_open.GetValueOrDefault(key) == sequence)
            {
                _open.Remove(key);
            }
        }

        sequence.End(failure);
        sequence.Dispose();
    }

    private static SessionOpening OpeningOf(string id, AnalysisSettings settings) => new()
    {
        Name = $"sequence {id}",
        Client = ClientName,
        Delivery = Delivery.EveryFrame,
        // A request is here whole, in memory that others wait for; it fails as one of a single picture does.
        CanBeSlowed = false,
        Unordered = false,
        Analysis = settings,
        Adaptation = new AdaptationSettings(),
        // Nobody has a token for it.
        Resumable = false,
        Missing = [],
    };
}

internal static partial class InferenceLog
{
    [LoggerMessage(EventId = 560, Level = LogLevel.Error, Message = "An internal error ended the sequence {Id}.")]
    public static partial void SequenceFaulted(ILogger logger, string id, Exception exception);

    [LoggerMessage(EventId = 561, Level = LogLevel.Error, Message = "An internal error ended a request of {Peer} to the model {Model}.")]
    public static partial void Faulted(ILogger logger, string peer, string model, Exception exception);
}
