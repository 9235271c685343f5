using System.Buffers.Binary;
using System.Text;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Packaging;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-safetensors-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_reference_file_is_read()
    {
        using var file = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "model.safetensors"));

        var tensor = file.Tensors["loupe.backbone.conv1.weight"];
        Assert.Equal(ElementType.Float32, tensor.ElementType);
        Assert.Equal([64, 3, 16, 16], tensor.Shape);
        Assert.Equal(64 * 3 * 16 * 16, tensor.Length);
        Assert.Equal(tensor.Length * 4, tensor.ByteLength);

        var whole = file.ReadFloats(tensor.Name);
        var slice = new float[1000];
        file.ReadFloats(tensor, 12_345, slice);
        Assert.Equal(whole[12_345..13_345], slice);

        var bytes = new byte[tensor.ByteLength];
        file.Read(tensor.Name, bytes);
        Assert.Equal(whole[^1], BitConverter.ToSingle(bytes, bytes.Length - 4));
    }

    [Fact]
    public void Every_element_type_is_converted()
    {
        byte[] data =
        [
            .. BitConverter.GetBytes(-1.5f), .. BitConverter.GetBytes(float.MaxValue),
            .. BitConverter.GetBytes((Half)(-1.5f)), .. BitConverter.GetBytes(Half.Epsilon),
            0xC0, 0xBF, 0x80, 0x7F,
            .. BitConverter.GetBytes(0.1), .. BitConverter.GetBytes(-1e-50),
            .. BitConverter.GetBytes(long.MinValue), .. BitConverter.GetBytes(16_777_217L),
            .. BitConverter.GetBytes(int.MinValue), .. BitConverter.GetBytes(7),
            .. BitConverter.GetBytes(short.MinValue), .. BitConverter.GetBytes((short)7),
            0x80, 0x7F,
            0x80, 0xFF,
            0, 2,
        ];
        (ElementType Type, string Name, float First, float Second)[] expected =
        [
            (ElementType.Float32, "F32", -1.5f, float.MaxValue),
            (ElementType.Float16, "F16", -1.5f, 5.9604645e-8f),
            (ElementType.BFloat16, "BF16", -1.5f, float.PositiveInfinity),
            (ElementType.Float64, "F64", 0.1f, -0f),
            (ElementType.Int64, "I64", -9.223372e18f, 16_777_216),
            (ElementType.Int32, "I32", -2147483648f, 7),
            (ElementType.Int16, "I16", -32768, 7),
            (ElementType.Int8, "I8", -128, 127),
            (ElementType.UInt8, "U8", 128, 255),
            (ElementType.Bool, "BOOL", 0, 1),
        ];
        var offset = 0;
        var header = new StringBuilder("{");
        foreach (var (type, name, _, _) in expected)
        {
            var end = offset + (2 * type.SizeOf());
            header.Append($"\"{name}\":{{\"dtype\":\"{name}\",\"shape\":[2],\"data_offsets\":[{offset},{end}]}},");
            offset = end;
        }

        header[^1] = '}';
        using var file = SafetensorsFile.Open(Save(header.ToString(), data));

        foreach (var (type, name, first, second) in expected)
        {
            Assert.Equal(type, file.Tensors[name].ElementType);
            Assert.Equal([first, second], file.ReadFloats(name));
        }
    }

    [Fact]
    public void Scalars_empty_tensors_white_space_and_metadata_are_fine()
    {
        using var file = SafetensorsFile.Open(Save(
            """{"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}, "__metadata__":{"format":"pt"}, "a":{"shape":[3,0],"data_offsets":[4,4],"dtype":"F16"}}   """,
            BitConverter.GetBytes(2f)));

        Assert.Equal([2f], file.ReadFloats("b"));
        Assert.Empty(file.ReadFloats("a"));
        Assert.Equal("pt", Assert.Single(file.Metadata).Value);
    }

    [Fact]
    public void A_conversion_longer_than_its_buffer_is_whole()
    {
        const int Length = 600_001; // of four bytes each, through a buffer of 1 MiB
        var path = Path.Combine(_directory.FullName, "long.safetensors");
        using (var stream = File.Create(path))
        {
            var writer = new SafetensorsWriter(stream, [new SafetensorsTensor("x", ElementType.Int32, [Length])]);
            var data = new byte[4L * Length];
            for (var i = 0; i < Length; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(4 * i), i);
            }

            writer.Append("x", data);
            writer.Complete();
        }

        using var file = SafetensorsFile.Open(path);
        Assert.True(Enumerable.Range(0, Length).Select(i => (float)i).SequenceEqual(file.ReadFloats("x")));
    }

    [Fact]
    public void Reading_a_slice_allocates_nothing_of_its_size()
    {
        using var file = SafetensorsFile.Open(TestData.NanoModel("model.safetensors"));
        var tensor = file.Tensors.Values.MaxBy(candidate => candidate.Length)!;
        var destination = new float[tensor.Length];
        file.ReadFloats(tensor, 0, destination);

        var before = GC.GetAllocatedBytesForCurrentThread();
        file.ReadFloats(tensor, 0, destination);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    [Fact]
    public void Asking_for_what_is_not_there_is_an_error()
    {
        using var file = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "model.safetensors"));
        var tensor = file.Tensors["loupe.backbone.ln_pre.weight"];

        Assert.Throws<KeyNotFoundException>(() => file.ReadFloats("none"));
        Assert.Throws<ArgumentException>(() => file.Read(tensor.Name, new byte[tensor.ByteLength - 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloats(tensor, 1, new float[tensor.Length]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloats(tensor, -1, new float[1]));
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(Path.Combine(_directory.FullName, "none.safetensors")));
    }

    [Theory]
    [InlineData("refuse-header-length", "its header would be 1099511627776 bytes")]
    [InlineData("refuse-overlap", "overlaps")]
    [InlineData("refuse-truncated", "it is cut off")]
    public void Reference_files_to_refuse_are_refused(string name, string expected)
    {
        var path = TestData.Golden("checkpoints", $"{name}.safetensors");

        var exception = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));

        Assert.StartsWith($"{path} is not a valid safetensors file: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "its header is not JSON")]
    [InlineData("[]", "its header is not an object")]
    [InlineData("{} {}", "its header is not JSON")]
    [InlineData("{", "its header is not JSON")]
    [InlineData("""{"a":1}""", "the entry of tensor a in its header is not an object")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", "tensor a needs dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", "tensor a needs dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":{}}}""", "tensor a has an unknown or repeated entry extra")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}""", "tensor a has an unknown or repeated entry dtype")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", "tensor a has the element type F8_E4M3, which is not one of F32, F16, BF16, F64, I64, I32, I16, I8, U8, BOOL")]
    [InlineData("""{"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}}""", "the dtype of tensor a is not text")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "the shape of tensor a must hold only whole numbers, 0 or above")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", "the shape of tensor a must hold only whole numbers, 0 or above")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", "the shape of tensor a must hold only whole numbers, 0 or above")]
    [InlineData("""{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", "the shape of tensor a is not a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", "tensor a has an impossible size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", "tensor a has an impossible size")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", "tensor a has an impossible size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "tensor a is Float32 [2], 8 bytes, but data_offsets 0 to 4 are 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "tensor a is Float32 [1], 4 bytes, but data_offsets 4 to 0 are -4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "tensor a appears twice in its header")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "the data of tensor b overlaps a")]
    [InlineData("""{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"F16","shape":[1],"data_offsets":[6,8]}}""", "the data of tensor b leaves 4 bytes unused before it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "it has more bytes after its tensors")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "it is cut off")]
    [InlineData("""{"__metadata__":3}""", "__metadata__ is not an object")]
    [InlineData("""{"__metadata__":{"a":3}}""", "__metadata__ entry a is not text")]
    [InlineData("""{"__metadata__":{"a":"","a":""}}""", "__metadata__ has the entry a twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "__metadata__ appears twice in its header")]
    [InlineData("""{"\ud800":{}}""", "its header has text that is not UTF-8")]
    public void A_header_that_does_not_hold_is_refused(string header, string expected)
    {
        var exception = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(Save(header, new byte[8])));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Forty_thousand_dimensions_are_refused()
        => A_header_that_does_not_hold_is_refused(
            """{"a":{"dtype":"F32","shape":[1""" + string.Concat(Enumerable.Repeat(",1", 40_000)) + """],"data_offsets":[0,4]}}""",
            "the shape of tensor a has more than 32 entries");

    [Fact]
    public void Nesting_without_end_is_refused()
        => A_header_that_does_not_hold_is_refused($"{{\"a\":{new string('[', 100_000)}", "the entry of tensor a in its header is not an object");

    [Fact]
    public void A_cut_or_damaged_file_is_refused_or_read_but_never_crashes()
    {
        var original = File.ReadAllBytes(TestData.Golden("checkpoints", "stage-cls.safetensors"));
        var path = Path.Combine(_directory.FullName, "damaged.safetensors");
        var headerEnd = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(original);
        var random = new Random(20250131);
        for (var round = 0; round < 200; round++)
        {
            var length = round % 2 == 0 ? original.Length : random.Next(round % 4 == 1 ? headerEnd : original.Length);
            var damaged = original.AsSpan(0, length).ToArray();
            if (round % 2 == 0)
            {
                damaged[random.Next(headerEnd)] ^= (byte)(1 << random.Next(8));
            }

            File.WriteAllBytes(path, damaged);
            var exception = Record.Exception(() =>
            {
                using var file = SafetensorsFile.Open(path);
                foreach (var name in file.Tensors.Keys)
                {
                    file.ReadFloats(name);
                }
            });
            Assert.True(exception is SafetensorsException || (round % 2 == 0 && exception is null), $"round {round}: {exception}");
        }
    }

    private string Save(string header, byte[] data)
    {
        var path = Path.Combine(_directory.FullName, "case.safetensors");
        var json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, .. data]);
        return path;
    }
}
