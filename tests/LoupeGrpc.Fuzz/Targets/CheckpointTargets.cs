using System.Text;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Checkpoints.PyTorch;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Fuzz.Targets;

/// <summary>What a conversion and a start of the server read from disk.</summary>
internal static class CheckpointTargets
{
    /// <summary>A tensor may be read in slices of any length; this is one.</summary>
    private const int SliceLength = 4096;

    private const string FileName = "input";

    private static readonly ScratchFile _safetensors = new("input.safetensors");
    private static readonly ScratchFile _torch = new("input.pt");
    private static readonly ScratchFile _yaml = new("input.yaml");
    private static readonly ScratchFile _json = new("input.json");

    private static readonly byte[][] _pickleWords = Words(
        "\u0080\u0002}(", "X\u0001\0\0\0a", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "ccollections\nOrderedDict\n)R", "X\u0007\0\0\0storage", "X\u0001\0\0\00", "tQ", "K\u0001\u0085",
        "K\u0001K\u0002\u0086", "\u0089", "tR", "u.", "q\0", "h\0", "j\0\0\0\0", "\u0094", "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f", "\u0081}b", "]", "(e", "X\u0005\0\0\0model",
        "X\u000a\0\0\0state_dict", "X\u0003\0\0\0ema", "cargparse\nNamespace\n");

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("safetensors", static input => ReadWeights(_safetensors.Write(input)), typeof(CheckpointException))
        {
            Parsers = [typeof(SafetensorsFile), typeof(SafetensorsHeader), typeof(TensorNames), typeof(CheckpointDescription)],
            Tokens = Words("{\"", "\":{\"dtype\":\"F32\",\"shape\":[", "],\"data_offsets\":[0,4]}", "\"BF16\"", "\"F64\"", "__metadata__", "loupe.", "module.", "visual.", "conv1.weight", "lora_A", "\\ud800"),
        },
        new("torch-archive", static input => ReadWeights(_torch.Write(input)), typeof(CheckpointException))
        {
            Parsers = [typeof(TorchArchive), typeof(ZipDirectory), typeof(StridedTensor)],
            Tokens = [.. Words("PK\u0001\u0002", "PK\u0003\u0004", "PK\u0005\u0006", "PK\u0006\u0006", "PK\u0006\u0007", "/data.pkl", "/data/0", "/version", "/byteorder", "little"), .. _pickleWords],
        },
        new("pickle", static input => ReadPickle(input), typeof(CheckpointException))
        {
            Parsers = [typeof(PickleReader), typeof(PickleGlobals), typeof(StateDict)],
            Tokens = _pickleWords,
        },
        new("shard-index", static input => ShardIndex.Parse(FileName, input), typeof(CheckpointException))
        {
            Parsers = [typeof(ShardIndex)],
            Tokens = Words("{\"weight_map\":{\"", "\":\"model-00001-of-00002.safetensors\"", "\"metadata\":{", "..", "/", "\\u0000", "\\ud800"),
        },
        new("settings-yaml", static input => LoupeConfigReader.Read(_yaml.Write(input)), typeof(LoupeConfigException))
        {
            Parsers = [typeof(LoupeConfigReader), typeof(SettingsTree), typeof(AuthorsConfigForm)],
            Tokens = Words("model:", "\n  ", "backbone_name: ", "backbone_overrides:", "mask2former_overrides:", "fpn_scales: [", "&a ", "*a", "<<: ", "!!str ", "? ", "- ", "| ", "> ", "'", "\"", "{", "}", "---\n", "...\n", "%YAML 1.2\n", "\t"),
        },
        new("settings-json", static input => LoupeConfigReader.Read(_json.Write(input)), typeof(LoupeConfigException))
        {
            Parsers = [typeof(OwnConfigForm)],
            Tokens = Words("\"backbone\":{", "\"heads\":", "\"segmentor\":{", "\"loss\":{", "null", "true", "1e999", "[", "]", "}", ",", "/*", "*/", "\\u0000"),
        },
        new("manifest", static input => ModelManifest.Parse(input), typeof(PackageException))
        {
            Parsers = [typeof(ModelManifest)],
            Tokens = Words("\"formatVersion\":2", "\"imageSize\":", "\"adaptedTensors\":[", "\"precisions\":{", "\"halfTensors\":[", "null", "\"mean\":[", "1e39"),
        },
    ];

    private static byte[][] Words(params string[] words) => [.. words.Select(Encoding.Latin1.GetBytes)];

    private static void ReadWeights(string path)
    {
        CheckpointDescription.Read(path).WriteText(TextWriter.Null);
        using var checkpoint = Checkpoint.Open([path]);
        checkpoint.UseFor(new HashSet<string> { "segmentor.class_predictor.bias", "backbone.conv1.weight" });
        var slice = new float[SliceLength];
        foreach (var tensor in checkpoint.Tensors)
        {
            // The first and the last elements: more of them are more of the same.
            checkpoint.ReadFloats(tensor, 0, slice.AsSpan(0, (int)Math.Min(slice.Length, tensor.Length)));
            checkpoint.ReadFloats(tensor, Math.Max(0, tensor.Length - slice.Length), slice.AsSpan(0, (int)Math.Min(slice.Length, tensor.Length)));
        }
    }

    private static void ReadPickle(byte[] input)
    {
        if (PickleReader.Read(FileName, input) is PickleDict dict)
        {
            StateDict.Find(dict);
        }
    }
}
