using System.Text;
using System.Text.Json.Nodes;
using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Packaging;

public sealed class ModelManifestTests
{
    [Fact]
    public void Tensors_between_graphs_may_be_of_half_precision_and_no_others()
    {
        var json = JsonNode.Parse(PackageSamples.Manifest().ToBytes())!;
        var files = json["precisions"]![PackageLayout.Fp32]!;
        Assert.Null(files["halfTensors"]);

        files["halfTensors"] = new JsonArray(PackageTensors.Features);
        var read = ModelManifest.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())).Precisions[PackageLayout.Fp32];
        Assert.Equal((ElementType.Float16, ElementType.Float32), (read.TypeOf(PackageTensors.Features), read.TypeOf(PackageTensors.MaskFeatures)));

        files["halfTensors"] = new JsonArray(PackageTensors.Features, PackageTensors.Loss);
        var exception = Assert.Throws<PackageException>(() => ModelManifest.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
        Assert.Contains("precisions.fp32.halfTensors names loss, but only features, hidden_states, mask_features", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_are_camel_case_json_that_reads_back_to_the_same_bytes()
    {
        byte[] bytes = PackageSamples.Manifest().ToBytes();

        var json = JsonNode.Parse(bytes)!;
        Assert.Equal(PackageLayout.FormatVersion, (int)json["formatVersion"]!);
        Assert.Equal(384, (int)json["maskDecode"]!["size"]!);
        Assert.Equal("fp32/encoder.onnx", (string)json["precisions"]!["fp32"]!["encoder"]!["path"]!);
        Assert.Equal(bytes, ModelManifest.Parse(bytes).ToBytes());
    }

    [Fact]
    public void A_calibration_reads_back_and_has_a_format_of_its_own()
    {
        var calibrated = PackageSamples.Manifest() with { FormatVersion = PackageLayout.CalibratedFormatVersion, Calibration = PackageSamples.Calibration() };

        var bytes = calibrated.ToBytes();
        Assert.Equal(calibrated.Calibration, ModelManifest.Parse(bytes).Calibration);
        Assert.DoesNotContain("calibration", Encoding.UTF8.GetString(PackageSamples.Manifest().ToBytes()), StringComparison.Ordinal);
        Assert.Contains("formatVersion is 2: 3 is for packages with a calibration, and for no others", Refusal(calibrated with { FormatVersion = 2 }), StringComparison.Ordinal);
        Assert.Contains("formatVersion is 3: 3 is for packages with", Refusal(calibrated with { Calibration = null }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("temperature", "0", "calibration.temperature is 0; it must be from 0.001 to 1000")]
    [InlineData("temperature", "-1", "calibration.temperature is -1;")]
    [InlineData("temperature", "1e9", "calibration.temperature is 1000000000;")]
    [InlineData("bias", "1e999", "bias")]
    [InlineData("thresholds", """{"low": 0.7, "high": 0.6}""", "calibration.thresholds do not satisfy 0 <= low <= high <= 1")]
    [InlineData("thresholds", """{"low": 0, "high": 0}""", "calibration.thresholds do not satisfy")]
    [InlineData("thresholds", """{"low": 0, "high": 1.5}""", "calibration.thresholds do not satisfy")]
    [InlineData("thresholds", "null", "thresholds")]
    [InlineData("falseAlarms", "0", "calibration.falseAlarms is not a share between 0 and 1")]
    public void Refuses_a_calibration_that_cannot_be(string name, string value, string reason)
    {
        var json = JsonNode.Parse((PackageSamples.Manifest() with { FormatVersion = PackageLayout.CalibratedFormatVersion, Calibration = PackageSamples.Calibration() }).ToBytes())!;
        json["calibration"]![name] = JsonNode.Parse(value);

        var exception = Assert.Throws<PackageException>(() => ModelManifest.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "cannot be read")]
    [InlineData("null", "is null")]
    [InlineData("{}", "required properties including: 'formatVersion'")]
    [InlineData("[]", "cannot be read")]
    public void Refuses_what_is_no_manifest(string json, string reason)
    {
        var exception = Assert.Throws<PackageException>(() => ModelManifest.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("formatVersion", "1", "formatVersion is 1, but this build reads 2")]
    [InlineData("imageSize", "0", "imageSize is 0; it must be from 1 to 16384")]
    [InlineData("queries", "2000000000", "queries is 2000000000")]
    [InlineData("grid", "9", "grid is 9 but imageSize 112 divided by patchSize 16 is 7")]
    [InlineData("maskGrid", "27", "maskGrid is 27, not four times grid 7")]
    [InlineData("std", "[1, 0, 1]", "std must be three finite numbers above 0")]
    [InlineData("mean", "[1, 0]", "mean must be three finite numbers")]
    [InlineData("name", "\" \"", "name is empty")]
    [InlineData("hidden", "33", "adaptedTensors does not list")]
    [InlineData("adaptedTensors", "[null]", "adaptedTensors does not list")]
    [InlineData("precisions", "{}", "precisions has none of fp32, fp16, int8")]
    [InlineData("precisions", """{"fp32": null}""", "precisions.fp32 is null")]
    [InlineData("theta", "null", "theta")]
    public void Refuses_a_value_that_makes_no_sense_and_names_it(string member, string value, string reason)
    {
        var json = JsonNode.Parse(PackageSamples.Manifest().ToBytes())!;
        json[member] = JsonNode.Parse(value);

        var exception = Assert.Throws<PackageException>(() => ModelManifest.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    private static string Refusal(ModelManifest manifest) => Assert.Throws<PackageException>(() => ModelManifest.Parse(manifest.ToBytes())).Message;
}
