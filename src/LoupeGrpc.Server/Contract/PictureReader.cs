using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Receipts;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>Single pictures of the contract, and what they are answered.</summary>
internal static class PictureReader
{
    /// <summary>Null, and why, where the request makes no sense.</summary>
    /// <param name="defaults">Thresholds of a request that gives none.</param>
    public static PictureRequest? Read(AnalyzeImageRequest request, LoupeOptions options, VerdictThresholds defaults, out CallFailure? failure)
    {
        failure = null;
        FrameFailure? badFormat = null;
        var input = request.ImageCase switch
        {
            AnalyzeImageRequest.ImageOneofCase.Encoded => FrameReader.Read(request.Encoded),
            AnalyzeImageRequest.ImageOneofCase.Raw => FrameReader.Read(request.Raw, null, out badFormat),
            _ => null,
        };
        if (input is null)
        {
            failure = badFormat is null ? CallFailure.Invalid("the request holds no picture") : new CallFailure(badFormat);
            return null;
        }

        if (request.Receipt && !options.Receipts.AreSigned)
        {
            failure = CallFailure.Unsupported(ReceiptWriter.NoKey);
            return null;
        }

        if (request.Tiles is { TilesPerFrame: > 0 })
        {
            failure = CallFailure.Invalid(TileRequests.RotatingNeedsFrames);
            return null;
        }

        if (AnalysisSettingsReader.Read(request.Thresholds, defaults, out var error) is { } thresholds
            && AnalysisSettingsReader.Read(request.Mask, out error) is { } mask
            && AnalysisSettingsReader.Read(request.Tiles, options, out error) is { } tiles
            && AnalysisSettingsReader.TryReadLanguage(request.Explain, out var language, out error))
        {
            var settings = new AnalysisSettings { Thresholds = thresholds, Mask = mask, Tiles = tiles, Explain = language, Receipts = request.Receipt, MaxResponseBytes = AnalysisSettings.DefaultResponseBytes };
            return new PictureRequest(input, settings, request.Model);
        }

        failure = CallFailure.Invalid(error!);
        return null;
    }

    /// <exception cref="Grpc.Core.RpcException">There is no result.</exception>
    public static AnalyzeImageResponse ToResponse(PictureAnswer answer) => answer.End switch
    {
        FrameEnd.Analysed analysed => new AnalyzeImageResponse { Result = analysed.ToMessage(), Model = answer.Model!.ToMessage() },
        FrameEnd.Failed failed => throw failed.Failure.ToRpcException(),
        _ => throw new ArgumentOutOfRangeException(nameof(answer), answer.End, "A single picture is neither dropped nor expired."),
    };
}
