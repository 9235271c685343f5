namespace LoupeGrpc.Packaging;

/// <summary>Names of the files in a package, relative to its directory and with <c>/</c> between folders.</summary>
public static class PackageLayout
{
    /// <summary>The format written and read by this build.</summary>
    public const int FormatVersion = 2;

    /// <summary>That of packages with a calibration, which differ in nothing else: a build that knows none must not serve one and leave it out.</summary>
    public const int CalibratedFormatVersion = 3;

    public const string Manifest = "model.json";

    /// <summary>A manifest has some kilobytes.</summary>
    public const int MaxManifestBytes = 16 << 20;

    /// <summary>Base values of the adapted tensors, fp32, under the names in <see cref="PackageTensors.Adapted"/>.</summary>
    public const string Theta = "theta.safetensors";

    /// <summary>One fixed input and the outputs recorded for it at conversion with fp32 on the CPU.</summary>
    public const string SelfCheck = "selfcheck.safetensors";

    /// <summary>Folder of the single-precision graphs.</summary>
    public const string Fp32 = "fp32";

    /// <summary>Folder of the graphs whose weights and matrix products are in half precision; norms, softmax, coordinates and mask sums stay in single.</summary>
    public const string Fp16 = "fp16";

    /// <summary>Folder of the graphs for the CPU whose linear layers over tokens and cells are in 8 bits, as far as they could be: <see cref="PrecisionFiles.Quantization"/>.</summary>
    public const string Int8 = "int8";

    /// <summary>The precisions this build writes and runs. A package has one of them or more.</summary>
    public static IReadOnlyList<string> Precisions { get; } = [Fp32, Fp16, Int8];

    /// <summary>Alignment in bytes of each tensor in a weight file, so that it can be memory mapped.</summary>
    public const int WeightAlignment = 4096;

    /// <summary>What a precision itself answers to the input of <see cref="SelfCheck"/>, where single precision's answers are no measure for it.</summary>
    public static string SelfCheckOf(string precision) => precision + "/" + SelfCheck;

    public static string Encoder(string precision) => precision + "/encoder.onnx";

    public static string Segmentor(string precision) => precision + "/segmentor.onnx";

    /// <summary>The segmentor with <see cref="ProcessorOperators"/>.</summary>
    public static string ProcessorSegmentor(string precision) => precision + "/segmentor.cpu.onnx";

    public static string Adapt(string precision) => precision + "/adapt.onnx";

    /// <summary>External data of the graphs of a precision.</summary>
    public static string Weights(string precision) => precision + "/" + WeightsName;

    /// <summary>The weight file as the graphs beside it refer to it.</summary>
    public const string WeightsName = "weights.bin";
}
