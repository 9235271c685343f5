using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Models;
using LoupeGrpc.V1;
using RungState = LoupeGrpc.Execution.RungState;
using ServedModel = LoupeGrpc.V1.ServedModel;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The model and what it runs on, as messages.</summary>
internal static class ExecutionMessages
{
    public static ModelInfo ToMessage(this ModelDescription model) => new()
    {
        Name = model.Name,
        Version = model.Version,
        Hash = model.Hash,
        Demonstration = model.Demonstration,
        ImageSize = (uint)model.ImageSize,
        PatchGrid = (uint)model.Grid,
        NativeTiles = model.NativeTiles,
        Calibration = model.Calibration?.ToMessage(model.TileBias),
    };

    private static Wire.Calibration ToMessage(this CalibrationSettings made, double tileBias) => new()
    {
        Temperature = made.Temperature,
        Bias = made.Bias,
        TileBias = tileBias,
        Low = made.Thresholds.Low,
        High = made.Thresholds.High,
        FalseAlarms = made.FalseAlarms,
        Confidence = made.Confidence ?? 0,
        Authentic = (ulong)(made.Whole.Authentic + (made.Tiles?.Authentic ?? 0)),
        Forged = (ulong)(made.Whole.Forged + (made.Tiles?.Forged ?? 0)),
        MadeAt = made.MadeAt.ToTimestamp(),
    };

    public static ServedModel ToMessage(this ModelStatus model) => new()
    {
        Name = model.Name,
        Model = model.Analyzer.Model.ToMessage(),
        Execution = model.Analyzer.Execution.ToMessage(),
        Sessions = (uint)model.Users,
        Leaving = model.IsLeaving,
    };

    public static ProviderRung ToMessage(this RungReport rung) => new()
    {
        Provider = rung.Provider,
        State = rung.State.ToMessage(),
        Reason = rung.Reason,
        Precision = rung.Precision,
        Device = rung.Device,
        Elapsed = rung.Elapsed is { } elapsed ? Duration.FromTimeSpan(elapsed) : null,
        Sessions = (uint)rung.Sessions,
    };

    private static Wire.RungState ToMessage(this RungState state) => state switch
    {
        RungState.Serving => Wire.RungState.Serving,
        RungState.Standby => Wire.RungState.Standby,
        RungState.Preparing => Wire.RungState.Preparing,
        RungState.Unavailable => Wire.RungState.Unavailable,
        RungState.Demoted => Wire.RungState.Demoted,
        _ => Wire.RungState.Unspecified,
    };
}
