using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Web;

/// <summary>The answer to a request, made of what became of its pictures one after the other.</summary>
internal interface IPictureAnswer : IDisposable
{
    string ContentType { get; }

    /// <summary>What is wanted of the next picture.</summary>
    AnalysisSettings Settings { get; }

    /// <summary>Takes the memory in which a picture is shown, and its bytes with it: who has it has room for them.</summary>
    /// <param name="failure">Why there is none; null: there is, or none is needed.</param>
    /// <returns>Whether it was needed and there was some.</returns>
    bool TryReserve(OwnerQuota quota, FrameInput input, out FrameFailure? failure);

    /// <param name="name">Of its file; null: it has none.</param>
    Task AddAsync(FrameEnd end, string? name);

    /// <exception cref="ProblemException">There is one picture alone, and it failed.</exception>
    Task<ReadOnlyMemory<byte>> CompleteAsync();
}
