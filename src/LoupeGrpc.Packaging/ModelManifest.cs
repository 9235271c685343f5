using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoupeGrpc.Packaging;

/// <summary>What a package says about itself: <see cref="PackageLayout.Manifest"/>.</summary>
public sealed record ModelManifest
{
    /// <summary><see cref="PackageLayout.FormatVersion"/>, or <see cref="PackageLayout.CalibratedFormatVersion"/> with a <see cref="Calibration"/>.</summary>
    public required int FormatVersion { get; init; }

    public required string Name { get; init; }

    public required string Version { get; init; }

    /// <summary>The model shows how things work and must not be relied on; clients are told.</summary>
    public required bool Demonstration { get; init; }

    /// <summary>The program and version that wrote the package.</summary>
    public required string Producer { get; init; }

    /// <summary>Side of the square input in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Side of a patch in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Patches along one side.</summary>
    public required int Grid { get; init; }

    /// <summary>Subtracted from each channel (R, G, B) after scaling to 0 … 1.</summary>
    public required IReadOnlyList<float> Mean { get; init; }

    /// <summary>Each channel is divided by it after <see cref="Mean"/> is subtracted.</summary>
    public required IReadOnlyList<float> Std { get; init; }

    /// <summary>Token 0 of <see cref="PackageTensors.Features"/> is a class token.</summary>
    public required bool ClassToken { get; init; }

    /// <summary>Width of the backbone, C.</summary>
    public required int Width { get; init; }

    /// <summary>Q.</summary>
    public required int Queries { get; init; }

    /// <summary>Width of the decoder, H.</summary>
    public required int Hidden { get; init; }

    /// <summary>Channels of <see cref="PackageTensors.MaskFeatures"/>, M.</summary>
    public required int MaskFeatures { get; init; }

    /// <summary>L: one prediction from the initial queries and one after each decoder layer.</summary>
    public required int DecoderPredictions { get; init; }

    /// <summary>Side of the mask logits in cells: four times <see cref="Grid"/>.</summary>
    public required int MaskGrid { get; init; }

    public required MaskDecodeSettings MaskDecode { get; init; }

    public required LossSettings Loss { get; init; }

    /// <summary>How large pictures may be looked at in tiles; null: the model was trained on pictures resized to its input and has to see them so.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>How scores were fitted to an operator's own pictures; null: a score is the sigmoid of what the model says.</summary>
    public CalibrationSettings? Calibration { get; init; }

    /// <summary><see cref="PackageTensors.Adapted"/> with their shapes, without the leading B.</summary>
    public required IReadOnlyList<AdaptedTensor> AdaptedTensors { get; init; }

    /// <summary>By folder name: one or more of <see cref="PackageLayout.Precisions"/>.</summary>
    public required IReadOnlyDictionary<string, PrecisionFiles> Precisions { get; init; }

    public required PackageFile Theta { get; init; }

    /// <summary>Absent only while the package is being written.</summary>
    public PackageFile? SelfCheck { get; init; }

    /// <summary>The bytes of <see cref="PackageLayout.Manifest"/>: the same for equal manifests.</summary>
    public byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, ManifestJson.Default.ModelManifest), (byte)'\n'];

    /// <summary>Reads the bytes of <see cref="PackageLayout.Manifest"/>.</summary>
    /// <exception cref="PackageException">Not JSON, a member is missing or of another type, or values contradict each other.</exception>
    public static ModelManifest Parse(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty)
        {
            throw new PackageException($"{PackageLayout.Manifest} is empty, or not a file.");
        }

        ModelManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(json, ManifestJson.Default.ModelManifest)
                ?? throw new PackageException($"{PackageLayout.Manifest} is null.");
        }
        catch (JsonException exception)
        {
            throw new PackageException($"{PackageLayout.Manifest} cannot be read: {exception.Message}", exception);
        }

        var errors = ManifestRules.Validate(manifest);
        return errors.Count == 0
            ? manifest
            : throw new PackageException($"{PackageLayout.Manifest} cannot be used: {string.Join("; ", errors)}.");
    }
}

/// <summary>From mask logits to a mask.</summary>
/// <param name="Size">Side in cells of the map in which queries are summed, before it is resized to the picture.</param>
/// <param name="Threshold">A pixel above it is forged.</param>
public sealed record MaskDecodeSettings(int Size, float Threshold);

/// <summary>Of a model that was trained on pixels as they are.</summary>
/// <param name="Bias">Taken from the logit that the tiles of a picture have in common, so that their scores mean what those of small pictures do.</param>
public sealed record TileSettings(double Bias);

/// <summary>Weights and constants of the training criterion, used by adaptation.</summary>
public sealed record LossSettings(
    double MaskWeight,
    double ClassWeight,
    double DiceWeight,
    double NoObjectWeight,
    double PixelForgeWeight,
    double PixelPolyEpsilon,
    double TverskyAlpha);

/// <summary>A tensor that adaptation changes.</summary>
/// <param name="Shape">Outermost first, without a batch dimension.</param>
public sealed record AdaptedTensor(string Name, IReadOnlyList<int> Shape);

/// <summary>A file of the package.</summary>
/// <param name="Path">Relative to the package's directory, <c>/</c> between folders, never leaving it.</param>
/// <param name="Sha256">Lower-case hex.</param>
/// <param name="Bytes">Length of the file.</param>
public sealed record PackageFile(string Path, string Sha256, long Bytes);

/// <summary>The files of one precision.</summary>
/// <param name="Adapt">Loss and gradients of the adapted tensors. It has no weights of its own.</param>
/// <param name="Weights">External data of the graphs.</param>
public sealed record PrecisionFiles(PackageFile Encoder, PackageFile Segmentor, PackageFile Adapt, PackageFile Weights)
{
    /// <summary>Which of <see cref="PackageTensors.BetweenGraphs"/> are fp16; null: none.</summary>
    public IReadOnlyList<string>? HalfTensors { get; init; }

    /// <summary>Graphs for the CPU alone, beside those of standard operators, which run everywhere; null: there are none.</summary>
    public ProcessorFiles? Processor { get; init; }

    /// <summary>The recorded input and what this precision answered to it at conversion; null: <see cref="ModelManifest.SelfCheck"/> holds for it.</summary>
    public PackageFile? SelfCheck { get; init; }

    /// <summary>How the layers of <see cref="PackageLayout.Int8"/> were quantised; null in every other precision.</summary>
    public QuantizationSettings? Quantization { get; init; }

    /// <summary>Element type of a floating-point input or output of the graphs.</summary>
    public ElementType TypeOf(string tensor) => HalfTensors?.Contains(tensor) == true ? ElementType.Float16 : ElementType.Float32;
}

/// <summary>Graphs with <see cref="ProcessorOperators"/>, on the same weights.</summary>
/// <param name="Operators">The <see cref="ProcessorOperators.Version"/> that they were made for.</param>
public sealed record ProcessorFiles(int Operators, PackageFile Segmentor);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true,
    NewLine = "\n")]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
