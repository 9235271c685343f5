using System.Diagnostics;
using System.Text.Json;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;
using static LoupeGrpc.UnitTests.Modeling.Checkpoints.TorchFileBuilder;

namespace LoupeGrpc.UnitTests.Modeling.Checkpoints;

/// <summary>Where trainers put the weights: under a key, in shards, in a folder.</summary>
public sealed class CheckpointLayoutTests : IDisposable
{
    private const string Bias = "segmentor.class_predictor.bias";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-layout-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void The_reported_file_with_the_key_model_is_read()
    {
        using var checkpoint = Checkpoint.Open([TestData.Golden("checkpoints", "model-key.pth")]);

        Assert.Equal(Bias, Assert.Single(checkpoint.Tensors).Name);
        Assert.Equal("model", CheckpointDescription.Read(TestData.Golden("checkpoints", "model-key.pth")).Wrapper);
        Assert.Contains("read the tensors under model", Assert.Single(checkpoint.UseFor(new HashSet<string> { Bias })).Notes);
    }

    [Theory]
    [InlineData("state_dict")]
    [InlineData("model_state_dict")]
    [InlineData("model")]
    [InlineData("module")]
    [InlineData("weights")]
    [InlineData("net")]
    [InlineData("network")]
    [InlineData("student")]
    [InlineData("model", "state_dict")]
    [InlineData("checkpoint", "model")]
    [InlineData("anything")]
    public void A_key_that_holds_the_tensors_is_followed(params string[] keys)
    {
        var inner = Dict(("loupe." + Bias, OneTensor));
        var code = keys.Reverse().Aggregate(inner, static (within, key) => Dict(("epoch", Number(3)), (key, within), ("optimizer", Dict(("lr", Number(1))))));
        using var checkpoint = Checkpoint.Open([SaveTorch("keys.pt", code)]);

        Assert.Equal(Bias, Assert.Single(checkpoint.Tensors).Name);
        Assert.Equal(string.Join('.', keys), CheckpointDescription.Read(Path.Combine(_directory.FullName, "keys.pt")).Wrapper);
    }

    [Fact]
    public void A_known_key_wins_over_another_that_holds_tensors_too()
    {
        using var checkpoint = Checkpoint.Open([SaveTorch("two.pt", Dict(("critic", Dict(("x", OneTensor))), ("model", Dict((Bias, OneTensor)))))]);
        Assert.Equal(Bias, Assert.Single(checkpoint.Tensors).Name);

        using var unknown = Checkpoint.Open([SaveTorch("unknown.pt", Dict(("a", Dict(("x", OneTensor))), ("b", Dict((Bias, OneTensor)))))]);
        Assert.Equal("holds no tensors, only a (with 1 entries), b (with 1 entries)", Assert.Single(unknown.UseFor(new HashSet<string> { Bias })).Problem);
    }

    [Theory]
    [InlineData("ema")]
    [InlineData("model_ema")]
    [InlineData("ema_state_dict")]
    [InlineData("state_dict_ema")]
    public void Averaged_weights_under_a_key_of_their_own_can_be_chosen(string key)
    {
        var path = SaveTorch("ema.pt", Dict(("model", Dict(("module." + Bias, Tensor(Storage("Float", "0", 2), 0, [1], [1])))), (key, Dict(("module", Dict((Bias, Tensor(Storage("Float", "0", 2), 1, [1], [1]))))))));
        using var plain = Checkpoint.Open([path]);
        using var averaged = Checkpoint.Open([path], takeAveraged: true);

        Assert.Equal([1.5f], Read(plain, Bias));
        Assert.Equal([2.5f], Read(averaged, Bias));
        Assert.Contains("took the averaged (EMA) weights of 1 tensors and left the plain ones beside them", Assert.Single(averaged.UseFor(new HashSet<string> { Bias })).Notes);
    }

    [Fact]
    public void Averaged_weights_alone_are_taken_and_said()
    {
        using var checkpoint = Checkpoint.Open([SaveTorch("only-ema.pt", Dict(("epoch", Number(1)), ("ema", Dict((Bias, OneTensor)))))]);

        Assert.Contains("stripped prefix ema. from 1 tensors", Assert.Single(checkpoint.UseFor(new HashSet<string> { Bias })).Notes);
    }

    [Fact]
    public void What_scripts_keep_beside_the_weights_is_passed_over()
    {
        const string Arguments = "cargparse\nNamespace\n)\u0081}";
        var path = SaveTorch("script.pt", Dict(
            ("args", $"{Arguments}({Text("lr")}{Number(1)}{Text("out")}cpathlib\nPosixPath\n({Text("a")}{Text("b")}tRub"),
            ("best", "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + Text("f8") + "\u0089\u0088tR(K\u0003" + Text("<") + "NNNtbc_codecs\nencode\n(" + Text("12345678") + Text("latin1") + "tRtR"),
            ("model", Dict((Bias, OneTensor)))));
        using var checkpoint = Checkpoint.Open([path]);

        Assert.Equal([1.5f], Read(checkpoint, Bias));
    }

    [Fact]
    public void Keys_that_hold_each_other_come_to_an_end()
    {
        using var self = Checkpoint.Open([SaveTorch("self.pt", $"}}q\0({Text("model")}h\0{Text(Bias)}{OneTensor}u")]);
        Assert.Equal(Bias, Assert.Single(self.Tensors).Name);

        // Twenty dicts, each of which holds the one before twice: a million ways down.
        var dag = string.Concat(Enumerable.Range(0, 20).Select(static _ => $"q\00}}({Text("a")}h\0{Text("b")}h\0u"));
        using var shared = Checkpoint.Open([SaveTorch("dag.pt", Dict((Bias, OneTensor)) + dag)]);
        Assert.Empty(shared.Tensors);
    }

    [Fact]
    public void Shards_are_read_through_their_index()
    {
        Shard("model-00001-of-00002.safetensors", (Bias, 1));
        Shard("model-00002-of-00002.safetensors", ("classifier.x", 2), ("backbone.y", 3));
        var index = Index(("metadata", new { total_size = 12 }), (Bias, "model-00001-of-00002.safetensors"), ("classifier.x", "model-00002-of-00002.safetensors"), ("backbone.y", "model-00002-of-00002.safetensors"));
        foreach (var path in (string[])[index, _directory.FullName])
        {
            using var checkpoint = Checkpoint.Open([path]);

            Assert.Equal([1], Read(checkpoint, Bias));
            Assert.Equal([2], Read(checkpoint, "classifier.x"));
            Assert.Equal([3], Read(checkpoint, "backbone.y"));
            Assert.True(checkpoint.TryGet("classifier.x", out var tensor));
            Assert.Equal(Path.Combine(_directory.FullName, "model-00002-of-00002.safetensors"), tensor.Source);
            var description = CheckpointDescription.Read(path);
            Assert.Equal((index, "safetensors, 2 shards", "12"), (description.Path, description.Format, description.Metadata["total_size"]));
            Assert.Equal(3, description.Tensors.Count);
        }
    }

    [Fact]
    public void A_shard_that_is_a_link_out_of_the_folder_is_read_as_a_download_cache_has_it()
    {
        var blobs = _directory.CreateSubdirectory("blobs");
        var snapshot = _directory.CreateSubdirectory("snapshot");
        SafetensorsWriter.Write(Path.Combine(blobs.FullName, "abc"), [(Bias, [1], new float[] { 7 })]);
        File.CreateSymbolicLink(Path.Combine(snapshot.FullName, "model.safetensors"), Path.Combine("..", "blobs", "abc"));
        using var checkpoint = Checkpoint.Open([snapshot.FullName]);

        Assert.Equal([7], Read(checkpoint, Bias));
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("a/b.safetensors")]
    [InlineData("a\\b.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("model.safetensors.index.json")]
    public void A_shard_outside_the_folder_is_refused(string shard)
        => AssertRefused($"the shard of {Bias} is '{shard}', which is not the name of a file beside the index", Index((Bias, shard)));

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "not an index of shards: it has no object weight_map")]
    [InlineData("{}", "not an index of shards: it has no object weight_map")]
    [InlineData("""{"weight_map": []}""", "not an index of shards: it has no object weight_map")]
    [InlineData("""{"weight_map": {"a": 3}}""", "the shard of a is not text")]
    [InlineData("""{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}""", "not valid JSON")]
    [InlineData("""{"weight_map": {"a": "\ud800"}}""", "not valid JSON")]
    [InlineData("""{"weight_map": {"a": "none.safetensors", "b": "none.safetensors"}}""", "shard none.safetensors is missing, although the index names it for 2 tensors")]
    public void A_damaged_index_is_refused(string json, string expected) => AssertRefused(expected, Save("model.safetensors.index.json", json));

    [Fact]
    public void Shards_that_do_not_agree_with_their_index_are_refused()
    {
        Shard("one.safetensors", (Bias, 1), ("classifier.x", 2));
        Shard("two.safetensors", ("classifier.x", 3));
        Shard("none.safetensors");

        AssertRefused("tensor classifier.x is in two shards, one.safetensors and two.safetensors", Index((Bias, "one.safetensors"), ("classifier.x", "one.safetensors"), ("backbone.y", "two.safetensors")));
        AssertRefused("shard one.safetensors holds tensor classifier.x, which the index does not place there", Index((Bias, "one.safetensors"), ("classifier.x", "two.safetensors")));
        AssertRefused("shard none.safetensors lacks tensor backbone.y, which the index places there", Index(("backbone.y", "none.safetensors")));
        Save("cut.safetensors", "abc");
        AssertRefused("cut.safetensors is not a valid safetensors file", Index((Bias, "cut.safetensors")));
        AssertRefused("it names more than 1000 shards", Index([.. Enumerable.Range(0, 1001).Select(static i => ($"t{i}", (object)$"s{i}"))]));
    }

    [Fact]
    public void A_hugging_face_folder_is_read_in_the_order_of_its_own_libraries()
    {
        SaveTorch("pytorch_model.bin", Dict((Bias, OneTensor)));
        using (var checkpoint = Checkpoint.Open([_directory.FullName]))
        {
            Assert.Equal([1.5f], Read(checkpoint, Bias));
        }

        Shard("model.safetensors", (Bias, 4));
        Index((Bias, "other.safetensors"));
        using (var checkpoint = Checkpoint.Open([_directory.FullName]))
        {
            Assert.Equal([4], Read(checkpoint, Bias));
        }

        Assert.True(CheckpointDescription.IsFolderOfOne(_directory.FullName));
    }

    [Fact]
    public void A_deep_speed_folder_is_read_with_and_without_the_name_of_its_newest_step()
    {
        var step = _directory.CreateSubdirectory("global_step20").FullName;
        var states = SaveTorch(Path.Combine("global_step20", "mp_rank_00_model_states.pt"), Dict(("module", Dict(("loupe." + Bias, OneTensor))), ("dp_world_size", Number(2))));
        Save(Path.Combine("global_step20", "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt"), "x");
        Assert.False(CheckpointDescription.IsFolderOfOne(_directory.FullName));
        Save("latest", "global_step20\n");
        foreach (var path in (string[])[states, step, _directory.FullName])
        {
            using var checkpoint = Checkpoint.Open([path]);
            Assert.Equal([1.5f], Read(checkpoint, Bias));
        }

        Save("latest", "../" + _directory.Name + "/global_step20");
        AssertRefused("the folder holds no weights that are known", _directory.FullName);
    }

    [Fact]
    public void More_than_one_rank_of_deep_speed_is_refused_by_name()
    {
        var step = _directory.CreateSubdirectory("global_step20").FullName;
        Save("latest", "global_step20");
        foreach (var rank in (string[])["00", "01"])
        {
            SaveTorch(Path.Combine("global_step20", $"mp_rank_{rank}_model_states.pt"), Dict(("module", Dict((Bias, OneTensor)))));
        }

        foreach (var path in (string[])[step, _directory.FullName, Path.Combine(step, "mp_rank_00_model_states.pt")])
        {
            AssertRefused("a DeepSpeed checkpoint of 2 model-parallel ranks (mp_rank_00_model_states.pt, mp_rank_01_model_states.pt), each with a part of the model", path);
        }
    }

    [Theory]
    [InlineData("zero_pp_rank_0_mp_rank_00_model_states.pt", "a DeepSpeed checkpoint of ZeRO stage 3")]
    [InlineData("adapter_model.safetensors", "holds a LoRA adapter (adapter_model)")]
    [InlineData("__0_0.distcp", "a distributed checkpoint of PyTorch (.distcp)")]
    [InlineData("readme.md", "the folder holds no weights that are known: neither model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json nor DeepSpeed's mp_rank_00_model_states.pt")]
    public void Folders_of_other_kinds_are_named(string file, string expected)
    {
        Save(file, "x");
        AssertRefused(expected, _directory.FullName);
    }

    [Fact]
    public void A_named_pipe_is_refused_and_not_waited_for()
    {
        var pipe = Path.Combine(_directory.FullName, "pipe.safetensors");
        using (var process = Process.Start("mkfifo", [pipe]))
        {
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
        }

        AssertRefused("the file is empty", pipe);
    }

    [Fact]
    public void A_file_that_becomes_shorter_while_it_is_read_is_an_error()
    {
        var path = Path.Combine(_directory.FullName, "shrinks.safetensors");
        SafetensorsWriter.Write(path, [(Bias, [100_000], new float[100_000])]);
        var length = new FileInfo(path).Length;
        using var checkpoint = Checkpoint.Open([path]);
        using (var file = File.Open(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(1000);
        }

        Assert.Equal(
            $"{path}: tensor {Bias} cannot be read: The file has become shorter than the {length} bytes it had when it was opened.",
            Assert.Throws<CheckpointException>(() => Read(checkpoint, Bias)).Message);
    }

    private static string OneTensor { get; } = Tensor(Storage("Float", "0", 2), 0, [1], [1]);

    private static float[] Read(Checkpoint checkpoint, string name)
    {
        Assert.True(checkpoint.TryGet(name, out var tensor));
        var values = new float[tensor.Length];
        checkpoint.ReadFloats(tensor, 0, values);
        return values;
    }

    private static void AssertRefused(string expected, string path)
    {
        var exception = Assert.Throws<CheckpointException>(() => Checkpoint.Open([path]));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    private string Index(params (string Tensor, object Shard)[] entries) => Save("model.safetensors.index.json", JsonSerializer.Serialize(new
    {
        metadata = entries.FirstOrDefault(static entry => entry.Tensor == "metadata").Shard ?? new { },
        weight_map = entries.Where(static entry => entry.Tensor != "metadata").ToDictionary(static entry => entry.Tensor, static entry => entry.Shard),
    }));

    private void Shard(string name, params (string Name, float Value)[] tensors)
        => SafetensorsWriter.Write(Path.Combine(_directory.FullName, name), tensors.Select(static tensor => (tensor.Name, (IReadOnlyList<long>)[1L], (ReadOnlyMemory<float>)new[] { tensor.Value })));

    private string SaveTorch(string name, string code)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllBytes(path, new TorchFileBuilder()
            .Pickle(code)
            .Entry("case/data/0", [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(2.5f)])
            .Build());
        return path;
    }

    private string Save(string name, string content)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }
}
