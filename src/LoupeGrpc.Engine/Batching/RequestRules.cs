namespace LoupeGrpc.Engine.Batching;

/// <summary>What a request must keep to.</summary>
internal static class RequestRules
{
    public static FrameFailure? Check(AnalysisRequest request)
    {
        if (!request.Thresholds.IsValid)
        {
            return Invalid($"The thresholds {request.Thresholds.Low} and {request.Thresholds.High} are not 0 <= low <= high <= 1.");
        }

        if (request.MaxMaskBytes < 0)
        {
            return Invalid($"The mask budget of {request.MaxMaskBytes} bytes is negative.");
        }

        if (!Enum.IsDefined(request.MaskPolicy) || !Enum.IsDefined(request.MaskEncoding))
        {
            return Invalid($"There is no mask policy {request.MaskPolicy} with the encoding {request.MaskEncoding}.");
        }

        return null;
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
