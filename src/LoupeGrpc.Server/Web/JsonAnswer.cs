using System.Buffers;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Web;

/// <summary>An object of one picture, an array of several.</summary>
/// <param name="maxBytes">Of all of it, about.</param>
internal sealed class JsonAnswer(AnalysisSettings wanted, int maxBytes) : IPictureAnswer
{
    private readonly ArrayBufferWriter<byte> _written = new();
    private (FrameEnd End, string? Name)? _first;
    private ulong _count;

    public string ContentType => AnswerForms.Json;

    /// <summary>The masks of later pictures may not fit what is left.</summary>
    public AnalysisSettings Settings => wanted with { MaxResponseBytes = Math.Clamp(maxBytes - _written.WrittenCount, 1 << 16, AnalysisSettings.DefaultResponseBytes) };

    public bool TryReserve(OwnerQuota quota, FrameInput input, out FrameFailure? failure)
    {
        failure = null;
        return false;
    }

    public Task AddAsync(FrameEnd end, string? name)
    {
        if (_first is not { } first)
        {
            _first = (end, name);
        }
        else
        {
            if (_count == 1)
            {
                _written.Write("["u8);
                first.End.ToLine(first.Name, 0).WriteTo(_written);
            }

            _written.Write(","u8);
            end.ToLine(name, _count).WriteTo(_written);
        }

        _count++;
        return Task.CompletedTask;
    }

    public Task<ReadOnlyMemory<byte>> CompleteAsync()
    {
        if (_count == 1 && _first is { } first)
        {
            first.End.OrProblem().ToLine(first.Name, 0).WriteTo(_written);
        }
        else
        {
            _written.Write("]"u8);
        }

        _written.Write("\n"u8);
        return Task.FromResult(_written.WrittenMemory);
    }

    public void Dispose()
    {
    }
}

internal static class PictureAnswers
{
    /// <summary>Who sent one picture alone hears of its failure by the status.</summary>
    /// <exception cref="ProblemException">It failed.</exception>
    public static FrameEnd OrProblem(this FrameEnd end) => end is FrameEnd.Failed { Failure: var failure } ? throw new ProblemException(Problem.Of(failure)) : end;
}
