using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Sessions;

/// <summary>What a call is told first: what of the session was granted.</summary>
/// <param name="Credits">Frames and commands that may be without an answer.</param>
/// <param name="Model">That its frames are analysed with, as long as it lasts.</param>
/// <param name="Settings">In force now.</param>
/// <param name="Adaptation">Null where the session does not adapt.</param>
/// <param name="Missing">What was asked for and is not there.</param>
/// <param name="Token">The secret that resumes the session; null: none does.</param>
/// <param name="ResumeWindow">Null without a token.</param>
/// <param name="Resumed">What the call before had taken in; null for the first call of a session.</param>
internal sealed record SessionGrant(
    string Id,
    int Credits,
    ModelDescription Model,
    ExecutionDescription Execution,
    SessionOpening Opening,
    AnalysisSettings Settings,
    AdaptationReport? Adaptation,
    IReadOnlyList<MissingFeature> Missing,
    ResumeToken? Token,
    TimeSpan? ResumeWindow,
    TakenIn? Resumed);

/// <summary>How far a session had come when a call resumed it.</summary>
/// <param name="NextSequence">The number that the next frame gets.</param>
/// <param name="Commands">Commands received so far.</param>
internal sealed record TakenIn(ulong NextSequence, ulong Commands);
