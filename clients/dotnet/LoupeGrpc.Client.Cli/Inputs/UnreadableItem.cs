using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>An input of which is known from the start that it cannot be analysed.</summary>
internal sealed class UnreadableItem : SourceItem
{
    public required LoupeFailureCode Code { get; init; }

    public required string Message { get; init; }

    public static UnreadableItem Create(string path, LoupeFailureCode code, string message) =>
        new() { Path = path, Name = "", Code = code, Message = message };

    public override ValueTask<LoadedItem> LoadAsync(ulong frameId, Limits limits, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new LoadedItem(null, ToFailure(frameId)));

    public LoupeFailed ToFailure(ulong frameId) => new() { FrameId = frameId, Index = (long)frameId, Code = Code, Message = Message };
}
