using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Calibration;

/// <summary>What was found and done, as JSON: the calibration as the package has it, and every file by its name.</summary>
internal static class CalibrationReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static byte[] Of(ModelPackage parent, CalibratedManifest result, CalibrationSample sample)
    {
        var bytes = result.Manifest.ToBytes();
        var manifest = JsonNode.Parse(bytes)!;
        var calibration = manifest["calibration"]!;
        manifest.AsObject().Remove("calibration");
        var report = new JsonObject
        {
            ["name"] = result.Manifest.Name,
            ["version"] = result.Manifest.Version,
            ["hash"] = FileHash.OfBytes(bytes),
            ["parent"] = parent.Directory,
            ["tile_bias"] = result.Manifest.Tiles?.Bias,
            ["calibration"] = calibration,
            ["warnings"] = new JsonArray([.. result.Warnings.Select(static warning => JsonValue.Create(warning))]),
            ["left_out"] = new JsonArray([.. sample.LeftOut.Select(static file => new JsonObject { ["path"] = file.Path, ["reason"] = file.Reason })]),
            ["copies"] = new JsonArray([.. sample.Copies.Select(static path => JsonValue.Create(path))]),
            ["pictures"] = new JsonArray([.. sample.Pictures.Select(picture => new JsonObject
            {
                ["path"] = picture.Path,
                ["sha256"] = picture.Sha256,
                ["label"] = picture.Judged.IsForged ? 1 : 0,
                ["tiles"] = picture.Judged.IsTiled,
                ["logit"] = picture.Judged.Logit,
                ["before"] = picture.Before,
                ["score"] = result.ScoreOf(picture),
            })]),
        };
        return [.. JsonSerializer.SerializeToUtf8Bytes(report, Indented), (byte)'\n'];
    }
}
