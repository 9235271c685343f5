using System.Text;
using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Inference;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Inference;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>What clients of the Open Inference Protocol send.</summary>
internal static class InferenceTargets
{
    private static readonly LoupeOptions _options = new();

    private static readonly IReadOnlyList<byte[]> _words =
    [
        .. new[]
        {
            "image", "BYTES", "UINT8", "soft_mask", "mask_size", "mask", "low", "high", "always", "sequence_id", "sequence_start", "classification",
            "\"parameters\":{", "\"binary_data_size\":4", "\"binary_data\":true", "\"binary_data_output\":true", "\"shape\":[1,1,1,3]", "\"data\":[[", "-1", "1e999", "18446744073709551615", "\\ud800", "null",
        }.Select(Encoding.UTF8.GetBytes),
        [4, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF],
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("inference-json", static input => ReadJson(input), typeof(InferenceException)) { Parsers = [typeof(JsonTensors), typeof(ImageTensor)], Tokens = _words },
        new("inference-message", static input => Check(GrpcTensors.Read(ModelInferRequest.Parser.ParseFrom(input), "default", _options, VerdictThresholds.Default)), typeof(InferenceException), typeof(InvalidProtocolBufferException))
        {
            Parsers = [typeof(GrpcTensors)],
            Tokens = _words,
        },
    ];

    /// <summary>With what stands behind the last bracket as bytes of tensors.</summary>
    private static void ReadJson(byte[] input)
    {
        var length = Array.LastIndexOf(input, (byte)'}') + 1;
        var request = JsonTensors.Read(input.AsMemory(0, length), input.AsMemory(length), "default", string.Empty, _options, VerdictThresholds.Default);
        Require(request.BinaryOutputs.All(request.Call.Outputs.Contains), "what is wanted as bytes is wanted");
        Check(request.Call);
    }

    private static void Check(InferenceCall call)
    {
        Require(call.Pictures.Count is > 0 and <= 64, "a request has as many pictures as may be");
        Require(call.Outputs.Count > 0 && call.Outputs.Distinct(StringComparer.Ordinal).Count() == call.Outputs.Count, "each output is wanted once");
        Require(call.Parameters.Thresholds.IsValid, "thresholds are valid");
        Require(call.Parameters is { Sequence: not null } or { IsStart: false, IsEnd: false }, "a sequence has a name");
        foreach (var picture in call.Pictures)
        {
            FrameInspector.Inspect(picture, new EngineLimits(), out _);
        }
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Does not hold: {what}.");
        }
    }
}
