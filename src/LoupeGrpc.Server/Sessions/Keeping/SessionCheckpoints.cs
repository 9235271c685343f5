using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Temporal;

namespace LoupeGrpc.Server.Sessions.Keeping;

/// <summary>
/// When a session's record is written while it runs, and what is in it: how far it has come, and the adaptation state that goes with that. Copies are taken where
/// both stand still together; the rest is done beside the frames.
/// </summary>
/// <param name="every">Frames from one to the next.</param>
/// <param name="describe">The facts that do not come from elsewhere.</param>
internal sealed class SessionCheckpoints(
    SessionKeeper keeper, IResponseEncoding encoding, OutcomeSequencer sequencer, SessionAdaptation adaptation, int every, Func<SessionProgress, SessionFacts> describe)
{
    private int _frames;
    private volatile bool _due;

    public bool IsUp => keeper.IsUp;

    /// <summary>The next frame that is done brings one.</summary>
    public void Demand() => _due = true;

    /// <summary>A frame is done, its outcome not yet decided; it still has the state, if there is one.</summary>
    /// <param name="state">Null: the session does not adapt.</param>
    /// <returns>To be called when it is decided; null: nothing is to be done.</returns>
    public Action<SessionProgress>? AfterFrame(AdaptationSession? state)
    {
        if (Interlocked.Increment(ref _frames) < every && !_due || !keeper.IsUp)
        {
            return null;
        }

        Interlocked.Exchange(ref _frames, 0);
        _due = false;
        var saved = state is null ? null : AdaptationCopy.Of(state, whole: false);
        return progress => Offer(progress, saved);
    }

    /// <summary>Between two frames.</summary>
    /// <param name="whole">With all that the session can go back to.</param>
    /// <returns>Whether it was written; false also where the session is not between two frames.</returns>
    public Task<bool> WriteAsync(bool whole)
    {
        Task<bool>? writing = null;
        sequencer.WhileQuiet(progress =>
        {
            if (adaptation.TryCopy(whole, out var saved))
            {
                writing = Offer(progress, saved);
            }
        });
        if (writing is null)
        {
            Demand();
        }

        return writing ?? Task.FromResult(false);
    }

    /// <summary>Lets the record stay while the session has nothing to write, and writes it again where the store has lost it.</summary>
    public async Task TouchAsync()
    {
        if (!await keeper.TouchAsync().ConfigureAwait(false))
        {
            await WriteAsync(whole: false).ConfigureAwait(false);
        }
    }

    /// <summary>Whether another server has claimed the session. Where the store does not say, nobody has.</summary>
    public Task<bool> IsFencedOutAsync() => keeper.IsFencedOutAsync();

    public Task ForgetAsync() => keeper.ForgetAsync();

    private Task<bool> Offer(SessionProgress progress, AdaptationCopy? saved)
    {
        var facts = describe(progress) with { Adaptation = saved?.Settings };
        return keeper.Offer(() => SessionRecordFormat.Write(new SessionRecord
        {
            Facts = facts,
            Adaptation = saved?.Write() ?? [],
            Responses = [.. progress.Responses.Select(response => response as EncodedResponse ?? new EncodedResponse(encoding.Encode(response), response.IsAnswer, response.IsOutcome))],
        }));
    }
}

/// <summary>A session up to its first frame without an outcome.</summary>
/// <param name="Frames">With an outcome.</param>
/// <param name="Commands">With an answer.</param>
/// <param name="Settings">Of the next frame.</param>
/// <param name="Temporal">What the next frame is judged with over time; null: it is not.</param>
/// <param name="Receipts">Where the next one goes; null: it has none.</param>
/// <param name="FirstResponse">Number of the first of <paramref name="Responses"/>.</param>
/// <param name="Responses">Those kept.</param>
internal sealed record SessionProgress(
    ulong Frames, ulong Commands, ulong FrameBytes, AnalysisSettings Settings, TallyCounts Tally, TemporalState? Temporal, ReceiptPlace? Receipts, ulong FirstResponse, IReadOnlyList<SessionResponse> Responses);

/// <summary>An adaptation state that does not change any more.</summary>
/// <param name="Write">As bytes.</param>
internal sealed record AdaptationCopy(AdaptationSettings Settings, Func<byte[]> Write)
{
    public static AdaptationCopy Of(AdaptationSession session, bool whole) => new(session.Settings, session.Checkpoint(whole));
}
