using System.Text;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Packaging;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-safetensors-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Bytes_are_those_of_the_format()
    {
        using var stream = new MemoryStream();
        var writer = new SafetensorsWriter(
            stream,
            [new SafetensorsTensor("b", ElementType.UInt8, [1, 3]), new SafetensorsTensor("é", ElementType.Float32, [])],
            new Dictionary<string, string> { ["z"] = "1", ["a"] = "2" });
        writer.Append("b", (byte[])[7, 8]);
        writer.Append("b", (byte[])[9]);
        writer.Append("é", [1f]);
        writer.Complete();

        const string Header = """{"__metadata__":{"a":"2","z":"1"},"b":{"dtype":"U8","shape":[1,3],"data_offsets":[0,3]},"é":{"dtype":"F32","shape":[],"data_offsets":[3,7]}}""";
        var json = Encoding.UTF8.GetBytes(Header);
        var padded = (json.Length + 7) / 8 * 8;
        Assert.Equal([.. BitConverter.GetBytes((long)padded), .. json, .. Enumerable.Repeat((byte)' ', padded - json.Length), 7, 8, 9, 0, 0, 0x80, 0x3F], stream.ToArray());
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        using var source = SafetensorsFile.Open(TestData.NanoModel("model.safetensors"));
        var path = Path.Combine(_directory.FullName, "copy.safetensors");
        using (var stream = File.Create(path))
        {
            var writer = new SafetensorsWriter(stream, [.. source.Tensors.Values], source.Metadata);
            foreach (var tensor in source.Tensors.Values)
            {
                var data = new byte[tensor.ByteLength];
                source.Read(tensor.Name, data);
                foreach (var piece in data.Chunk(10_000))
                {
                    writer.Append(tensor.Name, piece);
                }
            }

            writer.Complete();
        }

        using var copy = SafetensorsFile.Open(path);
        Assert.Equal(source.Metadata, copy.Metadata);
        Assert.Equal(source.Tensors.Keys, copy.Tensors.Keys);
        Assert.All(source.Tensors.Values, tensor =>
        {
            Assert.Equal(tensor.Shape, copy.Tensors[tensor.Name].Shape);
            Assert.Equal(tensor.ElementType, copy.Tensors[tensor.Name].ElementType);
            Assert.Equal(source.ReadFloats(tensor.Name), copy.ReadFloats(tensor.Name));
        });
    }

    [Fact]
    public void Tensors_in_memory_replace_a_file()
    {
        var path = Path.Combine(_directory.FullName, "theta.safetensors");
        File.WriteAllBytes(path, new byte[100_000]);

        SafetensorsWriter.Write(path, [("b", [2], new float[] { 1, 2 }), ("empty", [0, 4], ReadOnlyMemory<float>.Empty), ("a", [], new float[] { 3 })]);

        using var file = SafetensorsFile.Open(path);
        Assert.Equal(["b", "empty", "a"], file.Tensors.Keys);
        Assert.Equal([1, 2], file.ReadFloats("b"));
        Assert.Equal([3], file.ReadFloats("a"));
    }

    [Fact]
    public void Data_out_of_turn_too_much_or_too_little_is_an_error()
    {
        var writer = new SafetensorsWriter(Stream.Null, [new SafetensorsTensor("a", ElementType.Float32, [2]), new SafetensorsTensor("b", ElementType.Float32, [1])]);

        Assert.Throws<InvalidOperationException>(() => writer.Append("b", [1f]));
        Assert.Throws<InvalidOperationException>(() => writer.Append("a", [1f, 2, 3]));
        writer.Append("a", [1f]);
        Assert.Equal("a got 4 of its 8 bytes.", Assert.Throws<InvalidOperationException>(writer.Complete).Message);
        writer.Append("a", [1f]);
        writer.Append("b", [1f]);
        Assert.Throws<InvalidOperationException>(() => writer.Append("b", [1f]));
        writer.Complete();
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("__metadata__", "b")]
    public void A_name_declared_twice_or_reserved_is_an_error(string first, string second)
        => Assert.Throws<ArgumentException>(() => new SafetensorsWriter(
            Stream.Null, [new SafetensorsTensor(first, ElementType.Float32, [1]), new SafetensorsTensor(second, ElementType.Float32, [1])]));
}
