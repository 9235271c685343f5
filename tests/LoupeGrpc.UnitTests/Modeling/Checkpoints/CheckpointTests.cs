using System.IO.Compression;
using System.Text;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;
using static LoupeGrpc.UnitTests.Modeling.Checkpoints.TorchFileBuilder;

namespace LoupeGrpc.UnitTests.Modeling.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-checkpoint-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData(ElementType.Float32, "plain.pt")]
    [InlineData(ElementType.BFloat16, "lightning-bf16.pth")]
    [InlineData(ElementType.Float16, "shared-storage-strided-fp16.pt")]
    [InlineData(ElementType.Float32, "backbone-visual.pt", "stage-cls.safetensors", "stage-seg.safetensors")]
    public void Every_form_gives_the_tensors_of_the_model(ElementType stored, params string[] files)
    {
        using var model = SafetensorsFile.Open(TestData.Golden("tiny", "tiny-s", "model.safetensors"));
        using var checkpoint = Checkpoint.Open([.. files.Select(Golden)]);

        Assert.Equal(model.Tensors.Keys.Select(name => name["loupe.".Length..]).Order(StringComparer.Ordinal), checkpoint.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        foreach (var expected in model.Tensors.Values)
        {
            Assert.True(checkpoint.TryGet(expected.Name["loupe.".Length..], out var tensor));
            Assert.Equal(expected.Shape, tensor.Shape);
            Assert.Equal(stored, tensor.ElementType);
            Assert.Equal(model.ReadFloats(expected.Name).Select(value => Rounded(value, stored)), Read(checkpoint, tensor));
        }
    }

    [Fact]
    public void Slices_are_parts_of_the_whole()
    {
        foreach (var file in (string[])["plain.pt", "lightning-bf16.pth", "shared-storage-strided-fp16.pt", "stage-seg.safetensors"])
        {
            using var checkpoint = Checkpoint.Open([Golden(file)]);
            foreach (var tensor in checkpoint.Tensors)
            {
                var whole = Read(checkpoint, tensor);
                var step = Math.Max(1, whole.Length / 3);
                for (var start = 0; start < whole.Length; start += step)
                {
                    var slice = new float[Math.Min(step, whole.Length - start)];
                    checkpoint.ReadFloats(tensor, start, slice);
                    Assert.Equal(whole[start..(start + slice.Length)], slice);
                }

                Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.ReadFloats(tensor, 1, whole));
            }
        }
    }

    [Fact]
    public void The_later_file_wins_and_messages_can_name_it()
    {
        var first = SaveSafetensors("first.safetensors", ("loupe.backbone.conv1.weight", [1, 2]), ("loupe.backbone.ln_pre.bias", [3]));
        var second = SaveSafetensors("second.safetensors", ("backbone.conv1.weight", [9, 9, 9]));
        using var checkpoint = Checkpoint.Open([first, second]);

        Assert.True(checkpoint.TryGet("backbone.conv1.weight", out var overlaid));
        Assert.True(checkpoint.TryGet("backbone.ln_pre.bias", out var kept));
        Assert.Equal((second, first), (overlaid.Source, kept.Source));
        Assert.Equal([9, 9, 9], Read(checkpoint, overlaid));
        Assert.False(checkpoint.TryGet("backbone.ln_pre.weight", out _));
    }

    [Theory]
    [InlineData("loupe.classifier.x", "classifier.x")]
    [InlineData("module.loupe.classifier.x", "classifier.x")]
    [InlineData("loupe.module.classifier.x", "classifier.x")]
    [InlineData("classifier.x", "classifier.x")]
    [InlineData("visual.conv1.weight", "backbone.conv1.weight")]
    [InlineData("module.visual.conv1.weight", "backbone.conv1.weight")]
    [InlineData("conv1.weight", "backbone.conv1.weight")]
    [InlineData("segmentor.criterion.empty_weight", null)]
    [InlineData("visual.proj", null)]
    public void Prefixes_are_taken_off(string stored, string? bare)
    {
        using var checkpoint = Checkpoint.Open([SaveSafetensors("names.safetensors", (stored, [1]))]);

        Assert.Equal(bare, checkpoint.Tensors.SingleOrDefault()?.Name);
    }

    [Fact]
    public void A_text_tower_does_not_get_into_the_backbone()
    {
        using var checkpoint = Checkpoint.Open(
            [SaveSafetensors("tower.safetensors", ("positional_embedding", [1]), ("visual.positional_embedding", [2]), ("visual.proj", [3]), ("logit_scale", [4]))]);

        var tensor = Assert.Single(checkpoint.Tensors);
        Assert.Equal("backbone.positional_embedding", tensor.Name);
        Assert.Equal([2], Read(checkpoint, tensor));
    }

    [Fact]
    public void Two_tensors_of_one_bare_name_in_one_file_are_refused()
        => AssertRefused("loupe.classifier.x and classifier.x are both tensor classifier.x", SaveSafetensors("twice.safetensors", ("loupe.classifier.x", [1]), ("classifier.x", [2])));

    [Theory]
    [InlineData("refuse-code.pt", "its pickle asks for posix.system, and only tensors and plain values are read: nothing in a checkpoint is run")]
    [InlineData("refuse-legacy-tar-or-pickle.pt", "a bare pickle, as torch.save wrote before PyTorch 1.6")]
    [InlineData("refuse-header-length.safetensors", "its header would be 1099511627776 bytes")]
    [InlineData("refuse-overlap.safetensors", "overlaps")]
    [InlineData("refuse-truncated.safetensors", "it is cut off")]
    public void Reference_files_to_refuse_are_refused(string file, string expected) => AssertRefused(expected, Golden(file));

    [Theory]
    [InlineData("empty.bin", "", "the file is empty")]
    [InlineData("text.pt", "hello, this is no checkpoint", "neither safetensors nor a PyTorch checkpoint")]
    [InlineData("pointer.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00", "a git-lfs pointer, not the weights themselves")]
    [InlineData("pointer.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:00", "a git-lfs pointer, not the weights themselves")]
    [InlineData("short.safetensors", "abc", "its 3 bytes are too few for a header length")]
    [InlineData("zip.pt", "PK and nothing more", "not a valid zip archive: the end of the archive is missing")]
    public void Other_files_are_refused(string name, string content, string expected) => AssertRefused(expected, Save(name, Encoding.ASCII.GetBytes(content)));

    [Fact]
    public void A_tar_archive_is_refused_as_one()
        => AssertRefused("a tar archive", Save("old.pt", [.. new byte[257], .. "ustar"u8, .. new byte[250]]));

    [Fact]
    public void A_missing_file_a_directory_and_no_file_at_all_are_refused()
    {
        AssertRefused("there is no such file", Path.Combine(_directory.FullName, "none.pt"));
        AssertRefused("the folder holds no weights that are known: neither model.safetensors, ", _directory.FullName);
        Assert.Equal("no weights file was given", Assert.Throws<CheckpointException>(() => Checkpoint.Open([])).Message);
    }

    [Fact]
    public void Views_are_read_through_their_strides()
    {
        var storage = Storage("Int", "0", 12);
        var file = Save("views.pt", new TorchFileBuilder()
            .Pickle(Dict(
                ("whole", Tensor(storage, 0, [12], [1])),
                ("transposed", Tensor(storage, 0, [4, 3], [1, 4])),
                ("column", Tensor(storage, 1, [3, 1], [4, 1])),
                ("repeated", Tensor(storage, 5, [2, 3], [0, 0])),
                ("tail", Tensor(storage, 10, [2], [1])),
                ("scalar", Tensor(storage, 7, [], [])),
                ("empty", Tensor(storage, 0, [0, 5], [5, 1]))))
            .Entry("case/data/0", [.. Enumerable.Range(0, 12).SelectMany(BitConverter.GetBytes)])
            .Build());
        using var checkpoint = Checkpoint.Open([file]);

        var values = checkpoint.Tensors.ToDictionary(tensor => tensor.Name, tensor => Read(checkpoint, tensor));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (float)i), values["whole"]);
        Assert.Equal([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], values["transposed"]);
        Assert.Equal([1, 5, 9], values["column"]);
        Assert.Equal([5, 5, 5, 5, 5, 5], values["repeated"]);
        Assert.Equal([10, 11], values["tail"]);
        Assert.Equal([7], values["scalar"]);
        Assert.Empty(values["empty"]);

        Assert.True(checkpoint.TryGet("transposed", out var transposed));
        var slice = new float[5];
        checkpoint.ReadFloats(transposed, 4, slice);
        Assert.Equal([5, 9, 2, 6, 10], slice);
    }

    [Fact]
    public void What_stands_beside_the_tensors_is_passed_over()
    {
        var tensor = Tensor(Storage("Float", "0", 1), 0, [1], [1]);
        var file = Save("lightning.pt", new TorchFileBuilder()
            .Pickle(Dict(
                ("epoch", Number(3)),
                ("big", "\u008a\u0009\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u007f"),
                ("nothing", "N"),
                ("flags", "c__builtin__\nset\n](\u0088\u0089e\u0085R"),
                ("bytes", $"c_codecs\nencode\n({Text("ab")}{Text("latin1")}tR"),
                ("optimizer_states", $"](ccollections\ndefaultdict\nc__builtin__\ndict\n\u0085R{Number(0)}{Dict(("exp_avg", tensor))}se"),
                ("dtype", "ctorch\nfloat32\n"),
                ("shape", "ctorch\nSize\n(K\u0001K\u0002t\u0085R"),

                // The state_dict of a module carries its versions as an attribute.
                ("state_dict", $"ccollections\nOrderedDict\n)R({Text("loupe.classifier.x")}ctorch._utils\n_rebuild_parameter\n({tensor}\u0088ccollections\nOrderedDict\n)RtR"
                    + $"{Text("loupe.extra")}Nu{Dict(("_metadata", "ccollections\nOrderedDict\n)R"))}b")))
            .Entry("case/data/0", BitConverter.GetBytes(2.5f))
            .Build());
        using var checkpoint = Checkpoint.Open([file]);

        var only = Assert.Single(checkpoint.Tensors);
        Assert.Equal("classifier.x", only.Name);
        Assert.Equal([2.5f], Read(checkpoint, only));
    }

    [Fact]
    public void Newer_protocols_are_read()
    {
        const string Short = "\u008c\u0007storage\u0094";
        var frame = "\u0095\u0010\0\0\0\0\0\0\0";
        var tensor = $"\u008c\u000ctorch._utils\u008c\u0012_rebuild_tensor_v2\u0093({Short.Insert(0, "(")}\u008c\u0005torch\u008c\u000c" + "FloatStorage\u0093\u008c\u0001" + "0\u008c\u0003" + "cpuK\u0001tQK\0K\u0001\u0085K\u0001\u0085\u0089NtR";
        var file = Save("protocol4.pt", new TorchFileBuilder()
            .Entry("case/data.pkl", Encoding.Latin1.GetBytes($"\u0080\u0004{frame}}}(\u008c\u000c" + $"classifier.x{tensor}\u008c\u0001s\u008f(K\u0001K\u0002\u0090u."))
            .Entry("case/data/0", BitConverter.GetBytes(1.5f))
            .Build());
        using var checkpoint = Checkpoint.Open([file]);

        Assert.Equal([1.5f], Read(checkpoint, Assert.Single(checkpoint.Tensors)));
    }

    public static TheoryData<string, string> Hostile()
    {
        var one = Storage("Float", "0", 1);
        return new TheoryData<string, string>
        {
            { Tensor(one, 0, [2], [1]), "a tensor of shape [2] that reaches past the 1 elements of storage 0" },
            { Tensor(one, 1, [1], [1]), "reaches past" },
            { Tensor(one, 0, [2, 2], [long.MaxValue, 1]), "impossible shape [2, 2]" },
            { Tensor(one, 0, [long.MaxValue, 3], [0, 0]), "impossible shape" },
            { Tensor(one, 0, [1L << 41], [0]), "impossible shape" },
            { Tensor(one, 0, [-1], [1]), "make no sense" },
            { Tensor(one, -1, [1], [1]), "make no sense" },
            { Tensor(one, 0, [1], [-1]), "make no sense" },
            { Tensor(one, 0, [1, 1], [1]), "make no sense" },
            { Tensor(one, 0, [.. Enumerable.Repeat(1L, 33)], [.. Enumerable.Repeat(1L, 33)]), "make no sense" },
            { Tensor(Storage("Float", "0", 2), 0, [1], [1]), "tensor x needs 2 elements of Float32, its storage data/0 has 4 bytes" },
            { Tensor(Storage("Half", "0", 1), 0, [1], [1]), "tensor x needs 1 elements of Float16, its storage data/0 has 4 bytes" },
            { Tensor(Storage("Float", "0", -1), 0, [0], [1]), "a storage 0 of -1 elements" },
            { Tensor(Storage("Double", "0", long.MaxValue), 0, [1], [1]), "a storage 0 of 9223372036854775807 elements" },
            { Tensor(Storage("Float", "9", 1), 0, [1], [1]), "the elements of tensor x are missing (entry data/9)" },
            { Tensor(Storage("Float", "../data.pkl", 1), 0, [1], [1]), "the elements of tensor x are missing (entry data/../data.pkl)" },
            { Tensor(Storage("ComplexFloat", "0", 1), 0, [1], [1]), "a tensor of type torch.ComplexFloatStorage, which is not supported" },
            { "cos\nsystem\n", "its pickle asks for os.system" },
            { "cbuiltins\neval\n", "its pickle asks for builtins.eval" },
            { "c__builtin__\ngetattr\n", "its pickle asks for __builtin__.getattr" },
            { "ctorch\nload\n", "its pickle asks for torch.load" },
            { "ctorch.storage\n_load_from_bytes\n", "its pickle asks for torch.storage._load_from_bytes" },
            { "cx\u001b[2J\ny\n", "its pickle asks for x\\u001b[2J.y" },
            { "\u008c\u0002os\u008c\u0006system\u0093", "its pickle asks for os.system" },
            { "N\u008c\u0006system\u0093", "its pickle asks for ?.system" },
            { "(cos\nsystem\ni", "its pickle asks for os.system" },
            { "(ios\nsystem\n", "uses opcode 0x69" },
            { "(o", "uses opcode 0x6F" },
            { "P0\n", "uses opcode 0x50" },
            { "\u0082\u0001", "uses opcode 0x82" },
            { "}}\u0092", "uses opcode 0x92" },
            { "ctorch\nFloatStorage\n)R", "calls torch.FloatStorage" },
            { "ccollections\nOrderedDict\n]\u0085R", "builds a collections.OrderedDict from arguments, which no state_dict needs" },
            { "N)R", "calls something that is not a function" },
            { "ccollections\nOrderedDict\nNR", "calls something without a tuple of arguments" },
            { "ctorch._utils\n_rebuild_parameter\n)R", "a parameter without a tensor" },
            { "NNb", "sets the state of something other than a dict or a tensor" },
            { "NQ", "refers to something outside itself that is not a storage" },
            { $"({Text("module")}tQ", "refers to something outside itself that is not a storage" },
            { "h\u0007", "reads memo entry 7, which it never wrote" },
            { "j\u00ff\u00ff\u00ff\u00ff", "reads memo entry 4294967295" },
            { "00000000", "takes a value from an empty stack" },
            { "(0", "takes a value from an empty stack" },
            { "tt", "closes a group of values that it never opened" },
            { "(q\0", "expects a value on top of its stack" },
            { "Na", "expects a list on top of its stack" },
            { "}(Nu", "a dict key without a value" },
            { "X\u00ff\u00ff\u00ff\u007f", "ends in the middle of a value" },
            { "X\u00ff\u00ff\u00ff\u00ff", "ends in the middle of a value" },
            { "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "ends in the middle of a value" },
            { "cos", "ends in the middle of a name" },
            { "\u0080\u0006", "uses protocol 6; the newest that can be read is 5" },
        };
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_pickles_are_refused_by_name(string code, string expected)
        => AssertRefused(expected, Save("hostile.pt", new TorchFileBuilder()
            .Pickle($"}}{Text("x")}{code}s")
            .Entry("case/data/0", new byte[4])
            .Build()));

    [Theory]
    [InlineData("N", "does not hold a state_dict")]
    [InlineData("]", "does not hold a state_dict")]
    [InlineData("", "does not end with exactly one value")]
    [InlineData("}}", "does not end with exactly one value")]
    [InlineData("(", "does not end with exactly one value")]
    public void What_is_no_state_dict_is_refused(string code, string expected)
        => AssertRefused(expected, Save("other.pt", new TorchFileBuilder().Pickle(code).Build()));

    [Fact]
    public void Pickle_bombs_end_at_a_limit()
    {
        // A million marks; a million nested lists; each value made of two of the one before; more bytes than any pickle has.
        AssertRefused("has more than 1000000 operations", Save("marks.pt", new TorchFileBuilder().Pickle(new string('(', 1_000_001)).Build()));
        AssertRefused("has more than 1000000 operations", Save("lists.pt", new TorchFileBuilder().Pickle(new string(']', 1_000_001)).Build()));
        AssertRefused("does not hold a state_dict", Save("nested.pt", new TorchFileBuilder().Pickle(new string(']', 400_000), new string('a', 399_999)).Build()));
        AssertRefused("does not hold a state_dict", Save("growth.pt", new TorchFileBuilder().Pickle("K\u0001q\0", string.Concat(Enumerable.Repeat("h\0h\0\u0086q\0" + "0", 100_000)), "h\0\u0086").Build()));
        AssertRefused("the limit is 16777216", Save("large.pt", new TorchFileBuilder().Pickle(new string('N', 17 << 20)).Build()));
    }

    [Fact]
    public void A_self_containing_value_is_no_trouble()
    {
        using var checkpoint = Checkpoint.Open([Save("self.pt", new TorchFileBuilder().Pickle($"}}q\0{Text("state_dict")}h\0s").Build())]);

        Assert.Empty(checkpoint.Tensors);
    }

    [Fact]
    public void An_archive_that_is_no_little_endian_state_dict_is_refused()
    {
        var empty = "}";
        AssertRefused("its byte order is 'big'", Save("big.pt", new TorchFileBuilder().Pickle(empty).Entry("case/byteorder", "big"u8.ToArray()).Build()));
        AssertRefused("a TorchScript program", Save("script.pt", new TorchFileBuilder().Pickle(empty).Entry("case/constants.pkl", [1]).Build()));
        AssertRefused("a zip archive without data.pkl, so not written by torch.save", Save("other.zip", new TorchFileBuilder().Entry("readme.txt", [1]).Build()));
        AssertRefused("a zip archive with several data.pkl", Save("two.pt", new TorchFileBuilder().Pickle(empty).Entry("other/data.pkl", [1]).Build()));
        AssertRefused("has two entries case/data.pkl", Save("twice.pt", new TorchFileBuilder().Pickle(empty).Pickle(empty).Build()));
        AssertRefused(
            "entry case/data.pkl is compressed or encrypted",
            Save("deflated.pt", new TorchFileBuilder().Entry("case/data.pkl", [.. "\u0080\u0002"u8, .. new byte[1000]], CompressionLevel.Optimal).Build()));
    }

    [Fact]
    public void A_zip_that_lies_about_sizes_is_refused()
    {
        var sound = new TorchFileBuilder()
            .Pickle(Dict(("x", Tensor(Storage("Float", "0", 1), 0, [1], [1]))))
            .Entry("case/data/0", new byte[4])
            .Build();
        using (var checkpoint = Checkpoint.Open([Save("sound.pt", sound)]))
        {
            Assert.Single(checkpoint.Tensors);
        }

        // The directory's record of data/0: sizes at 20 and 24, the place of its own header at 42.
        var record = sound.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        foreach (var (offset, value) in ((int, uint)[])[(24, 0x7FFFFFFF), (24, 8), (20, 8), (24, uint.MaxValue), (42, 0x7FFFFFFF), (42, (uint)sound.Length - 10), (42, 1), (42, uint.MaxValue)])
        {
            var lying = sound.ToArray();
            BitConverter.TryWriteBytes(lying.AsSpan(record + offset), value);
            if (offset == 24)
            {
                BitConverter.TryWriteBytes(lying.AsSpan(record + 20), value);
            }

            Assert.Throws<CheckpointException>(() => Checkpoint.Open([Save("lying.pt", lying)]));
        }

        sound[sound.AsSpan().IndexOf("_rebuild"u8)] ^= 1;
        AssertRefused("data.pkl is damaged: its checksum does not match", Save("flipped.pt", sound));
    }

    [Theory]
    [InlineData("plain.pt")]
    [InlineData("lightning-bf16.pth")]
    [InlineData("shared-storage-strided-fp16.pt")]
    [InlineData("backbone-visual.pt")]
    [InlineData("stage-cls.safetensors")]
    [InlineData("stage-seg.safetensors")]
    public void Cut_files_are_refused(string file)
    {
        var original = File.ReadAllBytes(Golden(file));
        var path = Save("cut" + Path.GetExtension(file), original);
        var random = new Random(20250131);
        var lengths = Enumerable.Range(0, 40).Concat(Enumerable.Range(1, 40).Select(i => original.Length - i)).Concat(Enumerable.Range(0, 60).Select(_ => random.Next(original.Length)));
        foreach (var length in lengths.OrderDescending())
        {
            using (var stream = File.OpenWrite(path))
            {
                stream.SetLength(length);
            }

            AssertRefused(path, path);
        }
    }

    [Theory]
    [InlineData("plain.pt")]
    [InlineData("lightning-bf16.pth")]
    [InlineData("shared-storage-strided-fp16.pt")]
    public void Flipped_bits_are_refused_or_read_but_never_crash(string file)
    {
        var original = File.ReadAllBytes(Golden(file));
        var directoryStart = original.AsSpan().IndexOf("PK\u0001\u0002"u8);
        var pickleStart = original.AsSpan().IndexOf((byte)0x80);
        var random = new Random(20250131);
        for (var round = 0; round < 40; round++)
        {
            var damaged = original.ToArray();
            for (var flips = 1 + (round % 3); flips > 0; flips--)
            {
                var at = (round % 2) == 0 ? random.Next(directoryStart, damaged.Length) : random.Next(damaged.Length);
                damaged[at] ^= (byte)(1 << random.Next(8));
            }

            AssertReadOrRefused(Save("flipped.pt", damaged), round);
        }

        // Past the checksum: the pickle itself, damaged, in an archive that is sound.
        var pickle = original.AsSpan(pickleStart, original.AsSpan(pickleStart).IndexOf("PK\u0003\u0004"u8) is var end && end > 0 ? end : 1000).ToArray();
        for (var round = 0; round < 400; round++)
        {
            var damaged = pickle.ToArray();
            for (var flips = 1 + (round % 3); flips > 0; flips--)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }

            AssertReadOrRefused(Save("pickle.pt", new TorchFileBuilder().Entry("case/data.pkl", damaged).Build()), round);
        }
    }

    private static void AssertReadOrRefused(string path, int round)
    {
        var exception = Record.Exception(() =>
        {
            using var checkpoint = Checkpoint.Open([path]);
            foreach (var tensor in checkpoint.Tensors)
            {
                Read(checkpoint, tensor);
            }
        });
        Assert.True(exception is null or CheckpointException, $"round {round}: {exception}");
    }

    private static void AssertRefused(string expected, string path)
    {
        var exception = Assert.Throws<CheckpointException>(() => Checkpoint.Open([path]));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    private static string Golden(string name) => TestData.Golden("checkpoints", name);

    private static float Rounded(float value, ElementType type) => type switch
    {
        ElementType.Float16 => (float)(Half)value,
        ElementType.BFloat16 => RoundedToBFloat16(value),
        _ => value,
    };

    private static float RoundedToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    private static float[] Read(Checkpoint checkpoint, TensorInfo tensor)
    {
        var values = new float[tensor.Length];
        checkpoint.ReadFloats(tensor, 0, values);
        return values;
    }

    private string Save(string name, byte[] content)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    private string SaveSafetensors(string name, params (string Name, float[] Values)[] tensors)
    {
        var path = Path.Combine(_directory.FullName, name);
        SafetensorsWriter.Write(path, tensors.Select(tensor => (tensor.Name, (IReadOnlyList<long>)[tensor.Values.Length], (ReadOnlyMemory<float>)tensor.Values)));
        return path;
    }
}
