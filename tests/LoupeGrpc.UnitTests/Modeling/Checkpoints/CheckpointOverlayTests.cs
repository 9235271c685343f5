using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;
using static LoupeGrpc.UnitTests.Modeling.Checkpoints.TorchFileBuilder;

namespace LoupeGrpc.UnitTests.Modeling.Checkpoints;

/// <summary>What a file laid over a whole model does to it: what it is told to, or nothing without a word is an error.</summary>
public sealed class CheckpointOverlayTests : IDisposable
{
    private const string Bias = "segmentor.class_predictor.bias";

    private static readonly string Whole = TestData.Golden("tiny", "tiny-s", "model.safetensors");

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-overlay-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_compiled_overlay_changes_the_model_and_says_what_was_stripped()
    {
        var (bias, uses) = Convert(Golden("overlay-compiled-prefix.safetensors"));

        Assert.Equal([9, -9], bias);
        Assert.Equal((1, 0), (uses[1].Used, uses[1].Replaced));
        Assert.Equal(
            [$"{Golden("overlay-compiled-prefix.safetensors")}: 1 of 1 tensors used", $"{Golden("overlay-compiled-prefix.safetensors")}: stripped prefix _orig_mod. from 1 tensors"],
            uses[1].Describe());
        Assert.StartsWith($"{Whole}: {uses[0].Used} of {uses[0].Tensors} tensors used; 1 replaced by a later file", uses[0].Describe().First(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loupe.", "")]
    [InlineData("model.", "model.")]
    [InlineData("module.", "module.")]
    [InlineData("module.model.loupe.", "module.model.")]
    [InlineData("_orig_mod.module.", "_orig_mod.module.")]
    [InlineData("_forward_module.loupe.", "_forward_module.")]
    [InlineData("ema_model.module.", "ema_model.module.")]
    [InlineData("student.", "student.")]
    [InlineData("net.", "net.")]
    public void Prefixes_of_training_are_stripped(string prefix, string said)
    {
        var (bias, uses) = Convert(Save("prefix.safetensors", (prefix + Bias, [1, 2])));

        Assert.Equal([1, 2], bias);
        Assert.Equal(said.Length == 0 ? [] : [$"stripped prefix {said} from 1 tensors"], uses[1].Notes);
    }

    [Fact]
    public void A_wrapper_in_the_middle_of_a_name_is_stripped_too()
    {
        var (bias, uses) = Convert(Save(
            "fsdp.safetensors",
            ("_fsdp_wrapped_module.segmentor._fsdp_wrapped_module.class_predictor._checkpoint_wrapped_module.bias", [3, 4]),
            ("_fsdp_wrapped_module.backbone._orig_mod.ln_pre.bias", new float[64])));

        Assert.Equal([3, 4], bias);
        Assert.Equal(2, uses[1].Used);
        Assert.Equal(
            ["stripped prefix _fsdp_wrapped_module._checkpoint_wrapped_module. from 1 tensors", "stripped prefix _fsdp_wrapped_module._orig_mod. from 1 tensors"],
            uses[1].Notes);
    }

    [Fact]
    public void What_is_not_the_models_is_left_and_listed()
    {
        var (_, uses) = Convert(Save("more.safetensors", ("model." + Bias, [1, 2]), ("model.head.a", [1]), ("n_averaged", [1]), ("c", [1]), ("d", [1])));

        Assert.Equal(["model.head.a", "n_averaged", "c", "d"], uses[1].Ignored);
        Assert.Contains(": ignored: ", uses[1].Describe().Last(), StringComparison.Ordinal);
        Assert.EndsWith(" and 1 more", uses[1].Describe().Last(), StringComparison.Ordinal);
        Assert.Contains("1 of 5 tensors used", uses[1].Describe().First(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("detector." + Bias, "none of its 1 tensors is used: names begin with 'detector.', which the model's names do not (detector." + Bias + ")")]
    [InlineData("lightning.model." + Bias, "names begin with 'lightning.model.', which the model's names do not")]
    [InlineData("class_predictor.bias", "names lack the 'segmentor.' that the model's names begin with (class_predictor.bias)")]
    [InlineData("head.class_predictor.bias", "names begin with 'head.' where the model's begin with 'segmentor.' (head.class_predictor.bias)")]
    [InlineData("something.else", "none of its 1 tensors is used by a model of this configuration: something.else")]
    [InlineData("segmentor.criterion.empty_weight", "none of its 1 tensors is used by a model of this configuration: segmentor.criterion.empty_weight")]
    public void An_overlay_that_gives_nothing_is_refused_with_the_reason(string name, string reason)
        => AssertRefused(reason, Save("nothing.safetensors", (name, [1, 2])));

    [Fact]
    public void An_overlay_without_tensors_is_refused()
    {
        AssertRefused("overlay-nothing.safetensors holds no tensors", Golden("overlay-nothing.safetensors"));
        AssertRefused("holds no tensors, only epoch, args", Save("no-tensors.pt", new TorchFileBuilder().Pickle(Dict(("epoch", Number(3)), ("args", "N"))).Build()));
        AssertRefused("holds no tensors", Save("empty-dict.pt", new TorchFileBuilder().Pickle("}").Build()));
    }

    [Fact]
    public void The_only_file_is_refused_for_the_same_reason()
    {
        var path = Save("alone.safetensors", ("detector." + Bias, [1, 2]));
        using var checkpoint = Checkpoint.Open([path]);

        var message = Assert.Throws<CheckpointException>(() => Start(checkpoint)).Message;

        Assert.StartsWith($"The weights do not fit the configuration (read from {path}):\n  {path} none of its 1 tensors is used", message, StringComparison.Ordinal);
        Assert.Contains("tensors of backbone are missing", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_overlay_of_another_shape_is_refused()
        => AssertRefused($"{Bias} is [3] in ", Save("shape.safetensors", (Bias, [1, 2, 3])));

    [Fact]
    public void A_file_that_is_wholly_replaced_is_said()
    {
        using var checkpoint = Checkpoint.Open([Golden("stage-cls.safetensors"), Whole]);
        PackageProgress? last = null;
        using var build = Start(checkpoint, progress => last = progress.Phase == PackagePhase.Checked ? progress : last);

        Assert.Contains("0 of 12 tensors used; every one that the model needs is replaced by a later file", last!.Value.Weights![0].Describe().First(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_model.model.segmentor.class_predictor.lora_A.weight")]
    [InlineData("segmentor.class_predictor.lora_B.default.weight")]
    public void A_lora_adapter_is_named(string name)
        => AssertRefused(
            "holds a LoRA adapter (1 of its 2 tensors are lora_A, lora_B and the like), which changes weights and does not replace them: merge it into its model",
            Save("adapter.safetensors", (name, [1, 2]), (Bias, [1, 2])));

    [Fact]
    public void Flattened_parameters_are_named()
        => AssertRefused("holds flattened parameters of FSDP", Save("flat.safetensors", ("_fsdp_wrapped_module._flat_param", [1, 2])));

    [Theory]
    [InlineData(false, new float[] { 1, 2 }, "took the plain weights of 1 tensors and left the averaged (EMA) ones beside them")]
    [InlineData(true, new float[] { 5, 6 }, "took the averaged (EMA) weights of 1 tensors and left the plain ones beside them")]
    public void Which_of_plain_and_averaged_weights_was_taken_is_said(bool takeAveraged, float[] expected, string said)
    {
        (string, float[])[] tensors = [("model." + Bias, [1, 2]), ("ema_model.module." + Bias, [5, 6])];
        foreach (var order in ((string, float[])[][])[tensors, [.. tensors.Reverse()]])
        {
            var (bias, uses) = Convert(Save("both.safetensors", order), takeAveraged);

            Assert.Equal(expected, bias);
            Assert.Contains(said, uses[1].Notes);
            Assert.Empty(uses[1].Ignored);
        }
    }

    [Fact]
    public void Averaged_weights_that_are_wanted_and_not_there_are_refused()
        => Assert.Equal($"averaged (EMA) weights were asked for with --ema, but there are none in {Whole}", Assert.Throws<CheckpointException>(() => Checkpoint.Open([Whole], takeAveraged: true)).Message);

    [Fact]
    public void A_tensor_under_two_plain_names_is_refused()
        => Assert.Contains(
            $"student.{Bias} and model.{Bias} are both tensor {Bias}",
            Assert.Throws<CheckpointException>(() => Checkpoint.Open([Save("twice.safetensors", ("student." + Bias, [1]), ("model." + Bias, [2]))])).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "infinite")]
    [InlineData(float.NegativeInfinity, "minus infinite")]
    public void A_weight_that_is_not_finite_is_refused_by_name_and_place(float value, string named)
    {
        foreach (var type in (ElementType[])[ElementType.Float32, ElementType.Float16, ElementType.BFloat16, ElementType.Float64])
        {
            var path = SaveTyped($"{type}.safetensors", "backbone.ln_pre.weight", type, [.. Enumerable.Repeat(1f, 61), value, 1, value]);
            AssertRefused($"backbone.ln_pre.weight in {path} is {named} at [61]", path);
        }

        var matrix = Save("matrix.safetensors", [2, 32], ("segmentor.class_predictor.weight", [.. Enumerable.Range(0, 64).Select(i => i == 40 ? value : i)]));
        AssertRefused($"segmentor.class_predictor.weight in {matrix} is {named} at [1, 8]", matrix);
    }

    [Fact]
    public void The_reported_overlay_with_a_nan_is_refused_before_anything_is_written()
    {
        using var checkpoint = Checkpoint.Open([Whole, Golden("overlay-nan.safetensors")]);

        var message = Assert.Throws<CheckpointException>(() => Start(checkpoint)).Message;

        Assert.Equal(
            $"The weights hold values that are not finite numbers, as a training run leaves that diverged:\n  {Bias} in {Golden("overlay-nan.safetensors")} is NaN at [0]",
            message);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void A_nan_that_a_later_file_replaces_does_no_harm()
        => Assert.Equal([1, 2], Convert(Golden("overlay-nan.safetensors"), Save("sound.safetensors", (Bias, [1, 2]))).Bias);

    [Fact]
    public void Only_the_first_of_many_tensors_that_are_not_finite_are_named()
    {
        var weights = MemoryWeights.OfTiny("tiny-s");
        foreach (var tensor in weights.Tensors.Where(static tensor => tensor.Name.StartsWith("classifier.", StringComparison.Ordinal)).ToList())
        {
            weights.With(tensor.Name, static _ => float.NaN, [.. tensor.Shape]);
        }

        var lines = Assert.Throws<CheckpointException>(() => Start(weights)).Message.Split('\n');
        Assert.Equal(7, lines.Length);
        Assert.Equal("  and 7 more tensors", lines[^1]);
    }

    [Fact]
    public void The_last_of_a_tensor_longer_than_a_slice_is_looked_at()
    {
        var weights = MemoryWeights.OfTiny("tiny-s").With("long", static i => i == (1 << 20) + 5 ? float.NaN : 0, (1 << 20) + 7);

        Assert.Contains(
            "long in memory is NaN at [1048581]",
            Assert.Throws<CheckpointException>(() => FiniteWeights.Validate(weights, new HashSet<string> { "long" }, TestContext.Current.CancellationToken)).Message,
            StringComparison.Ordinal);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => FiniteWeights.Validate(weights, new HashSet<string> { "long" }, cancelled.Token));
    }

    private string Output => Path.Combine(_directory.FullName, "package");

    private static string Golden(string name) => TestData.Golden("checkpoints", name);

    private (float[] Bias, IReadOnlyList<WeightsUse> Uses) Convert(params string[] overlays) => Convert(overlays, false);

    private (float[] Bias, IReadOnlyList<WeightsUse> Uses) Convert(string overlay, bool takeAveraged) => Convert([overlay], takeAveraged);

    private (float[] Bias, IReadOnlyList<WeightsUse> Uses) Convert(string[] overlays, bool takeAveraged)
    {
        using var checkpoint = Checkpoint.Open([Whole, .. overlays], takeAveraged);
        IReadOnlyList<WeightsUse>? uses = null;
        using var build = Start(checkpoint, progress => uses = progress.Weights ?? uses);
        using var theta = SafetensorsFile.Open(build.Staged.PathOf(build.Staged.Manifest.Theta));
        return (theta.ReadFloats("class_predictor.bias"), uses!);
    }

    private PackageBuild Start(ITensorSource source, Action<PackageProgress>? progress = null) => PackageBuild.Start(
        TestModel.TinyConfig("tiny-s"), source, Output, new PackageOptions("tiny", "1", Demonstration: false, "tests"), progress, TestContext.Current.CancellationToken);

    private void AssertRefused(string expected, string overlay)
    {
        using var checkpoint = Checkpoint.Open([Whole, overlay]);
        var message = Assert.Throws<CheckpointException>(() => Start(checkpoint)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(overlay, message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
    }

    private string Save(string name, byte[] content)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    private string Save(string name, params (string Name, float[] Values)[] tensors)
    {
        var path = Path.Combine(_directory.FullName, name);
        SafetensorsWriter.Write(path, tensors.Select(static tensor => (tensor.Name, (IReadOnlyList<long>)[tensor.Values.Length], (ReadOnlyMemory<float>)tensor.Values)));
        return path;
    }

    private string Save(string name, long[] shape, (string Name, float[] Values) tensor)
    {
        var path = Path.Combine(_directory.FullName, name);
        SafetensorsWriter.Write(path, [(tensor.Name, shape, tensor.Values)]);
        return path;
    }

    private string SaveTyped(string file, string name, ElementType type, float[] values)
    {
        var path = Path.Combine(_directory.FullName, file);
        using var stream = File.Create(path);
        var writer = new SafetensorsWriter(stream, [new SafetensorsTensor(name, type, [values.Length])]);
        writer.Append(name, [.. values.SelectMany(value => type switch
        {
            ElementType.Float16 => BitConverter.GetBytes((Half)value),
            ElementType.BFloat16 => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
            ElementType.Float64 => BitConverter.GetBytes((double)value),
            _ => BitConverter.GetBytes(value),
        })]);
        writer.Complete();
        return path;
    }
}
