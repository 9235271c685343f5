using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Commands;

/// <summary>A model package for people and programs.</summary>
internal sealed class PackageReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly ModelPackage _package;

    private PackageReport(ModelPackage package) => _package = package;

    public static PackageReport Of(ModelPackage package) => new(package);

    /// <summary>The manifest, its hash and where it lies.</summary>
    public string ToJson() => new JsonObject
    {
        ["directory"] = _package.Directory,
        ["hash"] = _package.Hash,
        ["manifest"] = JsonNode.Parse(_package.Manifest.ToBytes()),
    }.ToJsonString(Indented);

    public void WriteText(TextWriter writer)
    {
        var manifest = _package.Manifest;
        writer.WriteLine($"model       {manifest.Name}, version {manifest.Version}{(manifest.Demonstration ? ", a demonstration model" : string.Empty)}");
        writer.WriteLine($"directory   {_package.Directory}");
        writer.WriteLine($"hash        {_package.Hash}");
        writer.WriteLine($"written by  {manifest.Producer}");
        writer.WriteLine($"input       {manifest.ImageSize}x{manifest.ImageSize} pixels, {manifest.Grid}x{manifest.Grid} patches of {manifest.PatchSize}");
        writer.WriteLine($"sizes       width {manifest.Width}, {manifest.Queries} queries of {manifest.Hidden}, masks of {manifest.MaskGrid}x{manifest.MaskGrid} cells");
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"tiles       {(manifest.Tiles is { } tiles ? $"native, bias {tiles.Bias}" : "off")}"));
        if (manifest.Calibration is not null)
        {
            foreach (var line in CalibrationLines.Of(manifest))
            {
                writer.WriteLine(line);
            }
        }

        writer.WriteLine($"precisions  {string.Join(", ", manifest.Precisions.Keys)}");
        foreach (var quantization in manifest.Precisions.Values.Select(static files => files.Quantization).OfType<QuantizationSettings>())
        {
            foreach (var line in QuantizationText.Of(quantization))
            {
                writer.WriteLine(line);
            }
        }

        writer.WriteLine($"adapts      {manifest.AdaptedTensors.Count} tensors, {manifest.AdaptedTensors.Sum(Elements):N0} parameters");
        writer.WriteLine();
        foreach (var (precision, files) in manifest.Precisions)
        {
            WriteFile(writer, $"{precision} encoder", files.Encoder);
            WriteFile(writer, $"{precision} segmentor", files.Segmentor);
            if (files.Processor is { } processor)
            {
                WriteFile(writer, $"{precision} for the CPU", processor.Segmentor);
            }

            WriteFile(writer, $"{precision} adapt", files.Adapt);
            WriteFile(writer, $"{precision} weights", files.Weights);
            if (files.SelfCheck is { } own)
            {
                WriteFile(writer, $"{precision} self-check", own);
            }
        }

        WriteFile(writer, "adapted tensors", manifest.Theta);
        if (manifest.SelfCheck is not null)
        {
            WriteFile(writer, "self-check", manifest.SelfCheck);
        }
    }

    private static long Elements(AdaptedTensor tensor) => tensor.Shape.Aggregate(1L, static (product, side) => product * side);

    private static void WriteFile(TextWriter writer, string what, PackageFile file) => writer.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-16}  {file.Bytes,14:N0} bytes  {file.Sha256[..16]}…  {file.Path}"));
}
