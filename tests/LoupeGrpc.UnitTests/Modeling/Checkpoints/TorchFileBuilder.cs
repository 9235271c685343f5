using System.IO.Compression;
using System.Text;

namespace LoupeGrpc.UnitTests.Modeling.Checkpoints;

/// <summary>Writes zip archives as <c>torch.save</c> lays them out, with any pickle in them.</summary>
internal sealed class TorchFileBuilder
{
    private readonly List<(string Name, byte[] Content, CompressionLevel Level)> _entries = [];

    internal static string TensorCode { get; } = "ctorch._utils\n_rebuild_tensor_v2\n";

    /// <summary>The opcodes of a protocol-2 pickle: each char is a byte.</summary>
    internal TorchFileBuilder Pickle(params string[] code) => Entry("case/data.pkl", Encoding.Latin1.GetBytes($"\u0080\u0002{string.Concat(code)}."));

    internal TorchFileBuilder Entry(string name, byte[] content, CompressionLevel level = CompressionLevel.NoCompression)
    {
        _entries.Add((name, content, level));
        return this;
    }

    internal byte[] Build()
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            foreach (var (name, content, level) in _entries)
            {
                using var entry = archive.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    /// <summary>Pushes text.</summary>
    internal static string Text(string text) => $"X{Int32(Encoding.UTF8.GetByteCount(text))}{Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text))}";

    /// <summary>Pushes a whole number.</summary>
    internal static string Number(long number)
        => number is >= int.MinValue and <= int.MaxValue
            ? $"J{Int32((int)number)}"
            : $"\u008a\u0008{Encoding.Latin1.GetString(BitConverter.GetBytes(number))}";

    /// <summary>Pushes a tuple of whole numbers.</summary>
    internal static string Numbers(params long[] numbers) => $"({string.Concat(numbers.Select(Number))}t";

    /// <summary>Pushes a storage.</summary>
    internal static string Storage(string type, string key, long length) => $"({Text("storage")}ctorch\n{type}Storage\n{Text(key)}{Text("cpu")}{Number(length)}tQ";

    /// <summary>Pushes a tensor.</summary>
    internal static string Tensor(string storage, long offset, long[] shape, long[] strides)
        => $"{TensorCode}({storage}{Number(offset)}{Numbers(shape)}{Numbers(strides)}\u0089ccollections\nOrderedDict\n)RtR";

    /// <summary>Pushes a dict.</summary>
    internal static string Dict(params (string Key, string Code)[] entries) => $"}}({string.Concat(entries.Select(entry => Text(entry.Key) + entry.Code))}u";

    private static string Int32(int value) => Encoding.Latin1.GetString(BitConverter.GetBytes(value));
}
