using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>A full-size checkpoint that is computed instead of stored: every value follows from the tensor's name and its index.</summary>
internal sealed class FormulaWeights : ITensorSource
{
    private static readonly string[] Embeddings =
        ["class_embedding", "positional_embedding", "probe", "label_embedding", "queries_embedder", "queries_features", "level_embed"];

    private readonly Dictionary<string, TensorInfo> _tensors;

    /// <param name="path">Names and shapes, as JSON; the names begin with <c>loupe.</c>.</param>
    public FormulaWeights(string path)
    {
        var shapes = JsonSerializer.Deserialize<Dictionary<string, long[]>>(File.ReadAllBytes(path))!;
        _tensors = shapes.ToDictionary(
            static entry => entry.Key["loupe.".Length..],
            static entry => new TensorInfo(entry.Key["loupe.".Length..], ElementType.Float32, entry.Value, "formula"));
    }

    public IEnumerable<TensorInfo> Tensors => _tensors.Values;

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor) => _tensors.TryGetValue(name, out tensor);

    public void ReadFloats(TensorInfo tensor, long start, Span<float> destination)
    {
        var (offset, scale) = Distribution(tensor);
        ulong seed = Seed(tensor.Name);
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = (float)(offset + scale * Uniform(seed, start + i));
        }
    }

    /// <summary>The input that the expected outputs belong to: [2,3,S,S].</summary>
    public static Tensor PixelValues(int side)
    {
        const int Pictures = 2;
        const int Channels = 3;
        ulong noise = Seed("pixel_values");
        ulong waves = Seed("pixel_values/waves");
        var values = new float[Pictures * Channels * side * side];
        for (int i = 0; i < values.Length; i++)
        {
            int plane = i / (side * side);
            double x = i % side / (double)side;
            double y = i / side % side / (double)side;
            double Wave(int k) => Uniform(waves, plane * 4 + k);
            double value = 0.6 * Math.Sin(2 * Math.PI * (3 * Wave(0) * x + 3 * Wave(1) * y + Wave(2))) + 0.3 * Uniform(noise, i) + 0.1 * Wave(3);
            values[i] = (float)Math.Clamp(value, -1, 1);
        }

        return new Tensor([Pictures, Channels, side, side], values);
    }

    private static (double Offset, double Scale) Distribution(TensorInfo tensor)
    {
        string[] parts = tensor.Name.Split('.');
        if (parts.Any(Embeddings.Contains))
        {
            return (0, 1);
        }

        bool isOffsets = parts[^2] == "sampling_offsets";
        if (tensor.Shape.Count >= 2)
        {
            double scale = Math.Sqrt(3.0 / tensor.Shape.Skip(1).Aggregate(1L, static (product, side) => product * side));
            return (0, isOffsets ? 4 * scale : scale);
        }

        return parts[^1] switch
        {
            "bias" when isOffsets => (0, 3),
            "weight" => (1, 0.2),
            "gamma" => (0, 0.5),
            _ => (0, 0.2),
        };
    }

    /// <summary>FNV-1a, 64 bits.</summary>
    private static ulong Seed(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return hash;
    }

    /// <summary>−1 up to 1, from output <paramref name="index"/> + 1 of SplitMix64.</summary>
    private static double Uniform(ulong seed, long index)
    {
        ulong z = seed + ((ulong)index + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return (z >> 40) / (double)(1 << 23) - 1;
    }
}
