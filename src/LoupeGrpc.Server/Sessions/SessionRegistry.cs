using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Sessions;

/// <summary>The sessions of this server, those that wait to be resumed among them. Thread-safe.</summary>
internal sealed class SessionRegistry(LoupeOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, AnalyzeSession> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AnalyzeSession> _byToken = new(StringComparer.Ordinal);
    private TaskCompletionSource? _empty;
    private bool _draining;

    /// <summary>Sessions with a connection.</summary>
    public int Connected => List().Count(static session => session.ParkedSince is null);

    /// <summary>All sessions.</summary>
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

    /// <summary>
    /// False, and why, where there is no room or the server is stopping. Where all places are taken, the session that has sent nothing for the longest time gives
    /// way, if that is <c>Loupe:Sessions:IdleTimeout</c>, or <c>UnusedTimeout</c> where it never sent anything; or else the one that has been without a connection
    /// for the longest time, those that never sent anything first. A crowd of new ones that send nothing pushes out none of these.
    /// </summary>
    public bool TryAdd(AnalyzeSession session, [NotNullWhen(false)] out CallFailure? refusal)
    {
        while (true)
        {
            Func<SessionOpening, bool>? overQuota;
            lock (_lock)
            {
                if (_draining)
                {
                    refusal = ServerBusy.Stopping;
                    return false;
                }

                (overQuota, refusal) = OverQuota(session.Opening);
                if (overQuota is null && _sessions.Count < options.Limits.MaxSessions)
                {
                    refusal = null;
                    _sessions.Add(session.Id, session);
                    if (session.Token is { } token)
                    {
                        _byToken.Add(token.Digest, session);
                    }

                    return true;
                }
            }

            if (overQuota is null && LongestIdle() is { } idle)
            {
                var end = idle.IsUnused ? SessionEnd.Unused : SessionEnd.Idle;
                idle.BeginEnd(end, new SessionNotice(NoticeKind.Terminated, end.Name), TimeSpan.Zero);
                Remove(idle);
                continue;
            }

            // Of its own ones, where they are too many.
            if ((overQuota is null && IsCrowd()) || LeastParked(overQuota) is not { } parked)
            {
                refusal ??= ServerBusy.NoSessionLeft(options.Limits);
                return false;
            }

            // Or it was resumed just now: then the next one is looked for.
            if (parked.TryDrop(SessionEnd.MadeRoom))
            {
                Remove(parked);
            }
        }
    }

    /// <summary>Does nothing where it is not there any more.</summary>
    public void Remove(AnalyzeSession session)
    {
        lock (_lock)
        {
            // Under its name there may be another by now: the same session, back from another server.
            if (_sessions.GetValueOrDefault(session.Id) == session)
            {
                _sessions.Remove(session.Id);
                if (session.Token is { } token)
                {
                    _byToken.Remove(token.Digest);
                }
            }

            if (_sessions.Count == 0)
            {
                _empty?.TrySetResult();
            }
        }
    }

    /// <summary>The session that was granted a token; null where there is none. Somebody else's is none.</summary>
    /// <param name="owner">Who asks.</param>
    public AnalyzeSession? FindByToken(ReadOnlySpan<byte> token, string owner)
    {
        var digest = ResumeToken.DigestOf(token);
        lock (_lock)
        {
            return _byToken.TryGetValue(digest, out var session) && session.Token!.Matches(token) & IsOwner(session, owner) ? session : null;
        }
    }

    public AnalyzeSession? Find(string id)
    {
        lock (_lock)
        {
            return _sessions.GetValueOrDefault(id);
        }
    }

    /// <summary>Opens no sessions any more and ends those there are, those without a connection at once. Call once.</summary>
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
            if (!session.TryHandOver(patience))
            {
                session.BeginEnd(SessionEnd.Drained(), SessionNotice.Draining, patience);
            }
        }

        return empty;
    }

    /// <summary>Without a connection; null where there is none.</summary>
    public AnalyzeSession? LongestParked() =>
        List().Where(static session => session.ParkedSince is not null).MinBy(static session => session.ParkedSince);

    /// <summary>Of those without a connection the one with the least to lose; null where there is none.</summary>
    /// <param name="among">Null: all.</param>
    private AnalyzeSession? LeastParked(Func<SessionOpening, bool>? among) => List()
        .Where(session => session.ParkedSince is not null && among?.Invoke(session.Opening) != false)
        .MinBy(static session => (!session.IsUnused, session.ParkedSince));

    /// <summary>Whether most places are taken by sessions that have a connection and sent nothing yet.</summary>
    private bool IsCrowd() => List().Count(static session => session is { ParkedSince: null, IsUnused: true }) > options.Limits.MaxSessions / 2;

    /// <summary>Within the lock.</summary>
    /// <returns>Those that share a quota with it in which no place is left, and what is said then; neither where there is one.</returns>
    private (Func<SessionOpening, bool>? Among, CallFailure? Refusal) OverQuota(SessionOpening opening)
    {
        var quota = opening.Quota;
        bool HasOwner(SessionOpening other) => other.Owner == opening.Owner;
        bool HasAddress(SessionOpening other) => other.Address == opening.Address;
        return IsFull(quota.Sessions, HasOwner) ? (HasOwner, ServerBusy.NoSessionLeft(quota))
            : opening.Address.Length > 0 && IsFull(quota.AddressSessions, HasAddress) ? (HasAddress, ServerBusy.NoSessionLeftForAddress(quota))
            : default;
    }

    private bool IsFull(int most, Predicate<SessionOpening> counts) => most > 0 && _sessions.Values.Count(session => counts(session.Opening)) >= most;

    /// <summary>In constant time.</summary>
    private static bool IsOwner(AnalyzeSession session, string owner) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(session.Opening.Owner), Encoding.UTF8.GetBytes(owner));

    private AnalyzeSession? LongestIdle() => List()
        .Where(session => session is { End: null, ParkedSince: null } && session.Count().InFlight == 0
            && time.GetElapsedTime(session.Work.LastInputAt) >= (session.IsUnused ? options.Sessions.UnusedTimeout : options.Sessions.IdleTimeout))
        .MinBy(static session => session.Work.LastInputAt);
}
