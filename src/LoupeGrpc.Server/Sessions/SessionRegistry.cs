using System.Diagnostics.CodeAnalysis;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Streaming;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Sessions;

/// <summary>The open sessions of this server. Thread-safe.</summary>
internal sealed class SessionRegistry(LoupeOptions options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, AnalyzeSession> _sessions = new(StringComparer.Ordinal);
    private TaskCompletionSource? _empty;
    private bool _draining;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<AnalyzeSession> List()
    {
        lock (_lock)
        {
            return [.. _sessions.Values.OrderBy(static session => session.OpenedAt)];
        }
    }

    /// <summary>False, and why, where there is no room or the server is stopping.</summary>
    public bool TryAdd(AnalyzeSession session, [NotNullWhen(false)] out FrameFailure? refusal)
    {
        lock (_lock)
        {
            refusal = _draining ? ServerBusy.Stopping
                : _sessions.Count >= options.Limits.MaxSessions ? ServerBusy.NoSessionLeft(options.Limits)
                : null;
            if (refusal is null)
            {
                _sessions.Add(session.Id, session);
            }

            return refusal is null;
        }
    }

    public void Remove(AnalyzeSession session)
    {
        lock (_lock)
        {
            _sessions.Remove(session.Id);
            if (_sessions.Count == 0)
            {
                _empty?.TrySetResult();
            }
        }
    }

    public AnalyzeSession? Find(string id)
    {
        lock (_lock)
        {
            return _sessions.GetValueOrDefault(id);
        }
    }

    /// <summary>Opens no sessions any more and ends those there are. Call once.</summary>
    /// <param name="patience">How long frames taken in may still be analysed.</param>
    /// <returns>Done when the last session has ended: as late as its client reads what it is sent.</returns>
    public Task DrainAsync(TimeSpan patience)
    {
        Task empty;
        lock (_lock)
        {
            _draining = true;
            _empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            empty = _sessions.Count == 0 ? Task.CompletedTask : _empty.Task;
        }

        foreach (var session in List())
        {
            session.BeginEnd(
                SessionEnd.Drained(),
                new SessionEvent { Kind = SessionEventKind.Draining, Message = "the server is stopping: it finishes the frames it has" },
                patience);
        }

        return empty;
    }
}
