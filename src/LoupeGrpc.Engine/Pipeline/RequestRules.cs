namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What a request must keep to.</summary>
internal static class RequestRules
{
    public static FrameFailure? Check(FrameInput input, AnalysisRequest request)
    {
        if (!request.Thresholds.IsValid)
        {
            return Invalid($"The thresholds {request.Thresholds.Low} and {request.Thresholds.High} must satisfy 0 <= low <= high <= 1.");
        }

        if (request.MaxMaskBytes < 0)
        {
            return Invalid($"The byte budget of the mask is {request.MaxMaskBytes}; it must not be negative.");
        }

        if (!Enum.IsDefined(request.MaskPolicy) || !Enum.IsDefined(request.MaskEncoding))
        {
            return Invalid($"The mask policy {request.MaskPolicy} or the mask encoding {request.MaskEncoding} is not known.");
        }

        if (!Enum.IsDefined(request.Tiles.Policy) || request.Tiles.MaxTiles is < 1 or > TileRequest.Ceiling)
        {
            return Invalid($"The tile policy {request.Tiles.Policy} is not known, or {request.Tiles.MaxTiles} tiles are not from 1 to {TileRequest.Ceiling}.");
        }

        if (request.Tiles.Policy == TilePolicy.Native && request.Adaptation is not null)
        {
            return Invalid("A session that adapts looks at pictures whole: tiles would each teach it something else.");
        }

        if (request.Tiles is { PerFrame: not 0 } or { Window: not 0 })
        {
            return CheckRotation(request);
        }

        if (request.Tiles.Policy == TilePolicy.Native && input is RawInput)
        {
            return new FrameFailure(
                FailureKind.Unsupported, "Raw frames are looked at whole, but where a session has some tiles of each; send a picture file to have it looked at in tiles.");
        }

        return null;
    }

    private static FrameFailure? CheckRotation(AnalysisRequest request)
    {
        var tiles = request.Tiles;
        return tiles.PerFrame is < 1 or > TileRequest.Ceiling || tiles.Window is < 0 or > TileRequest.Ceiling
            ? Invalid($"{tiles.PerFrame} tiles of each frame in a window of {tiles.Window} frames: neither may be above {TileRequest.Ceiling}, and the first is at least 1.")
            : tiles.Policy == TilePolicy.Off || tiles.Budget is not null || request.Adaptation is not null || request.TileWindow is null
                ? Invalid("Some tiles of each frame are for sessions that look at tiles, without a time that they may take, and do not adapt.")
                : null;
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
