using System.Buffers.Binary;
using LoupeGrpc.Files;

namespace LoupeGrpc.Packaging;

/// <summary>A safetensors file: only its header and what is read come into memory. Thread-safe until disposed.</summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly RandomAccessFile _file;

    private SafetensorsFile(RandomAccessFile file, SafetensorsHeader header)
    {
        _file = file;
        Tensors = header.Tensors;
        Metadata = header.Metadata;
    }

    /// <summary>As it was given to <see cref="Open"/>.</summary>
    public string Path => _file.Path;

    /// <summary>Bytes of the whole file.</summary>
    public long Length => _file.Length;

    /// <summary>Every tensor by its name as stored.</summary>
    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors { get; }

    /// <summary>The header's <c>__metadata__</c>; empty where there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens the file and validates its header: sizes, types, and that the data of the tensors fills the rest of the file without gap or overlap.</summary>
    /// <exception cref="SafetensorsException">The file does not keep to the format.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a directory.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = RandomAccessFile.Open(path);
        try
        {
            return new SafetensorsFile(file, ReadHeader(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor whole, as stored.</summary>
    /// <param name="destination">Exactly <see cref="SafetensorsTensor.ByteLength"/> bytes.</param>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    public void Read(string name, Span<byte> destination)
    {
        var tensor = Find(name);
        if (destination.Length != tensor.ByteLength)
        {
            throw new ArgumentException($"{name} has {tensor.ByteLength} bytes, not {destination.Length}.", nameof(destination));
        }

        _file.Read(tensor.Offset, destination);
    }

    /// <summary>Reads elements <paramref name="start"/> … <paramref name="start"/> + <c>destination.Length</c> in row-major order, converted to fp32.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    public void ReadFloats(SafetensorsTensor tensor, long start, Span<float> destination)
    {
        if (start < 0 || start > tensor.Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(start), start, $"{tensor.Name} has {tensor.Length} elements.");
        }

        ElementReader.ReadFloats(_file, tensor.Offset + (start * tensor.ElementType.SizeOf()), tensor.ElementType, destination);
    }

    /// <summary>Reads a small tensor whole, converted to fp32.</summary>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    public float[] ReadFloats(string name)
    {
        var tensor = Find(name);
        var values = new float[tensor.Length];
        ReadFloats(tensor, 0, values);
        return values;
    }

    public void Dispose() => _file.Dispose();

    private SafetensorsTensor Find(string name) => Tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new KeyNotFoundException($"{Path} has no tensor {name}.");

    private static SafetensorsHeader ReadHeader(RandomAccessFile file)
    {
        if (file.Length < SafetensorsHeader.LengthBytes)
        {
            throw new SafetensorsException(file.Path, $"its {file.Length} bytes are too few for a header length");
        }

        Span<byte> prefix = stackalloc byte[SafetensorsHeader.LengthBytes];
        file.Read(0, prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > SafetensorsHeader.MaxBytes)
        {
            throw new SafetensorsException(file.Path, $"its header would be {length} bytes, the limit is {SafetensorsHeader.MaxBytes}");
        }

        if ((long)length > file.Length - SafetensorsHeader.LengthBytes)
        {
            throw new SafetensorsException(file.Path, $"its header would be {length} bytes, the whole file has {file.Length}");
        }

        var json = new byte[length];
        file.Read(SafetensorsHeader.LengthBytes, json);
        return SafetensorsHeader.Parse(file.Path, json, file.Length - SafetensorsHeader.LengthBytes - (long)length);
    }
}
