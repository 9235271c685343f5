using System.Collections.Concurrent;
using System.Security.Cryptography;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions.Receipts;

namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>Sessions outside this server: gives those of this one their keepers, and finds those that other servers have left. Thread-safe.</summary>
/// <param name="store">Null: sessions live in memory only.</param>
internal sealed class SessionKeeping(
    ISessionStore? store, IResponseEncoding encoding, ModelRepository models, TimeSpan window, SessionMetrics metrics, ILogger<SessionKeeping> logger)
{
    /// <summary>A record that is touched in time must not go while the store is busy.</summary>
    private static readonly TimeSpan LeastLife = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, Task<FoundSession>> _claims = new(StringComparer.Ordinal);

    public bool IsOn => store is not null;

    public bool IsUp => store is { IsUp: true };

    public IResponseEncoding Encoding => encoding;

    /// <summary>How long records stay that nobody touches.</summary>
    public TimeSpan Life => window > LeastLife ? window : LeastLife;

    /// <summary>Null where nothing is kept.</summary>
    /// <param name="id">Of the session, for the log.</param>
    public SessionKeeper? KeeperOf(string id, string tokenDigest, long fence, Action fencedOut) =>
        store is null ? null : new SessionKeeper(store, tokenDigest, fence, Life, metrics, problem => SessionLog.NotKept(logger, id, problem), fencedOut);

    /// <summary>Whether another server has claimed a session since this one had it. Where the store does not say, nobody has.</summary>
    public static async Task<bool> IsFencedOutAsync(AnalyzeSession session) =>
        session.Checkpoints is { } checkpoints && await checkpoints.IsFencedOutAsync().ConfigureAwait(false);

    /// <summary>Claims the session of a token, where another server left one that its owner may have, and this one can go on with.</summary>
    /// <param name="restore">Makes a session of it.</param>
    public async Task<FoundSession> FindAsync(ReadOnlyMemory<byte> token, string owner, ResumeClaim claim, Func<StoredSession, FoundSession> restore)
    {
        if (store is null)
        {
            return FoundSession.None;
        }

        var key = ResumeToken.DigestOf(token.Span);
        // Whoever comes at the same time with the same token gets the same session.
        var own = new TaskCompletionSource<FoundSession>(TaskCreationOptions.RunContinuationsAsynchronously);
        var place = $"{key} {owner}";
        if (_claims.GetOrAdd(place, own.Task) is var claiming && claiming != own.Task)
        {
            return await claiming.ConfigureAwait(false);
        }

        var found = FoundSession.None;
        try
        {
            found = await ClaimAsync(store, key, token, owner, claim, restore).ConfigureAwait(false);
        }
        catch (SessionStoreException exception)
        {
            found = new FoundSession(null, exception.Message);
        }
        finally
        {
            _claims.TryRemove(place, out _);
            own.SetResult(found);
        }

        if (found.Problem is { } problem)
        {
            SessionLog.NotRestored(logger, problem);
        }

        return found;
    }

    private async Task<FoundSession> ClaimAsync(
        ISessionStore from, string key, ReadOnlyMemory<byte> token, string owner, ResumeClaim claim, Func<StoredSession, FoundSession> restore)
    {
        // Looked at first: who may not have it, or cannot go on with it, must not take it from whoever serves it.
        if (await from.ReadAsync(key).ConfigureAwait(false) is not { } seen)
        {
            return FoundSession.None;
        }

        if (Examine(seen, key, owner, claim, out var record) is { } refusal)
        {
            return refusal;
        }

        if (await from.ClaimAsync(key, Life).ConfigureAwait(false) is not { } claimed)
        {
            return FoundSession.None;
        }

        return Examine(claimed.Record, key, owner, claim, out record) ?? restore(new StoredSession(record!, token, claimed.Fence, claim));
    }

    /// <returns>Null: it can be had.</returns>
    private FoundSession? Examine(ReadOnlyMemory<byte> bytes, string key, string owner, ResumeClaim claim, out SessionRecord? record)
    {
        if (!SessionRecordFormat.TryRead(bytes, encoding, out record, out var problem))
        {
            return new FoundSession(null, problem);
        }

        var facts = record.Facts;
        if (facts.TokenDigest != key)
        {
            return new FoundSession(null, "what lies under the session's key is the record of another session");
        }

        // Somebody else's is none: not even that it is there is said.
        if (!CryptographicOperations.FixedTimeEquals(System.Text.Encoding.UTF8.GetBytes(facts.Owner), System.Text.Encoding.UTF8.GetBytes(owner)))
        {
            return FoundSession.None;
        }

        if (!models.HasPackage(facts.Model))
        {
            return new FoundSession(null, models.UnknownPackage(facts.Model));
        }

        return claim.ProblemWith(record) is { } mismatch ? new FoundSession(null, mismatch) : null;
    }
}

/// <summary>What its client says of a session that it resumes.</summary>
/// <param name="Responses">That it has received.</param>
/// <param name="FramesAnswered">Number of the first frame to which it has no outcome.</param>
/// <param name="CommandsAnswered">To which it has the answer.</param>
internal sealed record ResumeClaim(ulong Responses, ulong FramesAnswered, ulong CommandsAnswered)
{
    /// <summary>Whether the client has heard more of the session than a record holds.</summary>
    public bool IsAheadOf(SessionRecord record) => Responses > record.Facts.FirstResponse + (ulong)record.Responses.Count;

    /// <summary>Why a session cannot go on from a record; null: it can.</summary>
    public string? ProblemWith(SessionRecord record)
    {
        if (!IsAheadOf(record))
        {
            return null;
        }

        var facts = record.Facts;
        var ahead = Responses - facts.FirstResponse - (ulong)record.Responses.Count;
        return facts.Unordered
            ? "the last checkpoint of the session is older than what its client has received, and outcomes without an order leave gaps that cannot be filled"
            : FramesAnswered + CommandsAnswered == 0 || FramesAnswered < facts.Frames || CommandsAnswered < facts.Commands
                || FramesAnswered - facts.Frames > ahead || CommandsAnswered - facts.Commands > ahead - (FramesAnswered - facts.Frames)
                ? $"the last checkpoint of the session, after {facts.Frames} frames, is older than what its client has received, and the client does not say by how much (frames_answered)"
                : null;
    }
}

/// <summary>A session that another server left, and that is this one's now.</summary>
/// <param name="Token">The whole of it.</param>
/// <param name="Fence">Number of the claim.</param>
internal sealed record StoredSession(SessionRecord Record, ReadOnlyMemory<byte> Token, long Fence, ResumeClaim Claim)
{
    /// <summary>Frames whose outcomes the client has and the record does not.</summary>
    public ulong FramesLost => IsBehind ? Claim.FramesAnswered - Record.Facts.Frames : 0;

    public ulong CommandsLost => IsBehind ? Claim.CommandsAnswered - Record.Facts.Commands : 0;

    /// <summary>Whether the client has heard more of the session than the record holds.</summary>
    public bool IsBehind => Claim.IsAheadOf(Record);

    /// <summary>Number of the next frame.</summary>
    public ulong Frames => Record.Facts.Frames + FramesLost;

    public ulong Commands => Record.Facts.Commands + CommandsLost;

    /// <summary>What the session was opened with, as it is now, within this server's limits.</summary>
    /// <param name="signs">Whether this server signs receipts.</param>
    public SessionOpening ToOpening(LimitOptions limits, bool signs)
    {
        var facts = Record.Facts;
        var asksReceipts = facts.Settings.Receipts;
        return new SessionOpening
        {
            Name = facts.Name,
            Client = facts.Client,
            FrameFormat = facts.FrameFormat,
            Delivery = facts.Delivery,
            StalenessBudget = facts.StalenessBudget,
            Economies = facts.Economies,
            Unordered = facts.Unordered,
            Analysis = facts.Settings with { MaxResponseBytes = Math.Min(facts.Settings.MaxResponseBytes, limits.MaxResponseBytes), Receipts = asksReceipts && signs },
            Adaptation = facts.Adaptation,
            Resumable = true,
            Missing = asksReceipts && !signs ? [ReceiptWriter.NotHere] : [],
        };
    }

    /// <summary>Adaptation steps of the frames lost, at most: not each frame adapts.</summary>
    public ulong StepsLost => Record.Facts.Adaptation is { } adaptation ? FramesLost * (ulong)adaptation.StepsPerFrame : 0;
}

/// <param name="Session">Null: there is none that can be had.</param>
/// <param name="Problem">Why, where one is there.</param>
/// <param name="Refusal">Ends the call that asked; null: it may have a new session.</param>
internal sealed record FoundSession(AnalyzeSession? Session, string? Problem, CallFailure? Refusal = null)
{
    public static FoundSession None { get; } = new(null, null);
}
