namespace LoupeGrpc.Engine.Pipeline;

/// <summary>What a request must keep to.</summary>
internal static class RequestRules
{
    public static FrameFailure? Check(AnalysisRequest request)
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

        return null;
    }

    private static FrameFailure Invalid(string message) => new(FailureKind.Invalid, message);
}
