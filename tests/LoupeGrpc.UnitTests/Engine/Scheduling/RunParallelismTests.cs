using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Scheduling;

public sealed class RunParallelismTests
{
    private static readonly TimeSpan Single = TimeSpan.FromMilliseconds(20);

    [Theory]
    [InlineData(2, 14, 1, false)]
    [InlineData(2, 14, 2, true)]
    [InlineData(2, 14, 9, true)]

    // Eight threads make a run four times as fast: four frames in a row are as quick as four beside each other.
    [InlineData(8, 5, 4, false)]
    [InlineData(8, 5, 5, true)]

    // A model that splits without loss is never worth more than one run at a time.
    [InlineData(2, 10, 9, false)]

    // A model so small that threads only cost.
    [InlineData(2, 21, 1, true)]
    public void What_answers_more_frames_in_a_second_is_chosen(int threads, int allMilliseconds, int inside, bool single)
    {
        var spread = new RunParallelism(threads);
        var times = (TimeSpan.FromMilliseconds(allMilliseconds), Single);
        spread.Measured(times, times);
        spread.Watch(() => inside);

        Assert.False(spread.Encoder.IsSingle);
        spread.Force(null);
        Assert.Equal((single, single), (spread.Encoder.IsSingle, spread.Segmentor.IsSingle));
        spread.Force(!single);
        Assert.Equal((!single, !single), (spread.Encoder.IsSingle, spread.Segmentor.IsSingle));
    }

    [Theory]
    [InlineData("nano")]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public void Bits_do_not_depend_on_the_number_of_threads(string name)
    {
        var package = name == "nano" ? TestPackages.Nano : TestPackages.Tiny(name);
        byte[]? expected = null;
        foreach (int threads in (int[])[2, 3, 4, 8, 16])
        {
            var spread = new RunParallelism(threads);
            using var model = LoupeModel.Load(package, ExecutionTarget.Cpu, threads, alsoSingle: true);
            model.ParallelizeRuns(spread.Encoder, spread.Segmentor);
            using var slot = RunSlot.Allocate(model, rows: 1);
            using var pixels = model.CreatePixels();
            foreach (bool single in (bool[])[false, true])
            {
                spread.Force(single);
                byte[] answers = Answers(model, slot, pixels);
                expected ??= answers;
                Assert.True(expected.AsSpan().SequenceEqual(answers), $"{threads} threads, single: {single}");
            }
        }
    }

    [Fact]
    public void An_engine_chooses_by_what_is_inside()
    {
        using var log = new RecordedLog();
        using var runs = Start(TestPackages.Nano, new EngineOptions { IntraOpThreads = 4 }, log);

        Assert.Equal(4, runs.ConcurrentRuns);
        Assert.Empty(log.Of("RunsNotSpread"));

        // No frame of four on one thread costs more than none on four.
        int asked = 0;
        runs.WatchInside(() => asked++ * 0);
        Assert.False(runs.Model.Encoder.Parallelism!.IsSingle);
        Assert.False(runs.Model.Segmentor.Parallelism!.IsSingle);
        Assert.Equal(2, asked);
    }

    [Fact]
    public void A_package_whose_bits_depend_on_threads_runs_on_all_of_them()
    {
        using var log = new RecordedLog();
        using var runs = Start(WithCutSums(TestPackages.Nano), new EngineOptions { IntraOpThreads = 2 }, log);

        runs.WatchInside(static () => 64);

        Assert.Single(log.Of("RunsNotSpread"));
        Assert.False(runs.Model.Encoder.Parallelism!.IsSingle);
        Assert.False(runs.Model.Segmentor.Parallelism!.IsSingle);
    }

    [Fact]
    public void Who_names_a_number_of_runs_has_it()
    {
        using var log = new RecordedLog();
        using var runs = Start(TestPackages.Tiny("tiny-s"), new EngineOptions { ConcurrentRuns = 1, IntraOpThreads = 4 }, log);

        Assert.Equal(1, runs.ConcurrentRuns);
        Assert.Null(runs.Model.Encoder.Parallelism);
    }

    private static ModelRuns Start(ModelPackage package, EngineOptions options, RecordedLog log) =>
        ModelRuns.Start(package, options, ExecutionTarget.Cpu, log.CreateLogger("runs"), TimeProvider.System, TestContext.Current.CancellationToken);

    /// <summary>All that the graphs answer, and what a session that adapts learns of it.</summary>
    private static byte[] Answers(LoupeModel model, RunSlot slot, TensorBuffer pixels)
    {
        SelfCheckInput.Fill(pixels.Values, (int)pixels.Shape[2]);
        slot.Encode(pixels);
        slot.PseudoLabels.Values[0] = 0.75f;
        slot.SetParameters(0, model.BaseParameters);
        slot.Adaptation.Segment(new RowRange(0, 1));
        return SelfCheck.Answers(slot);
    }

    /// <summary>Weighted means as packages had them that were converted before the sum over all cells was laid out for any number of threads.</summary>
    private static ModelPackage WithCutSums(ModelPackage package)
    {
        string directory = TestPackages.Copy(package);
        var files = package.FilesOf(PackageLayout.Fp32);
        foreach (var segmentor in (PackageFile[])[files.Segmentor, files.Processor!.Segmentor])
        {
            CutSums(Path.Combine(directory, segmentor.Path));
        }

        return ModelPackage.OpenStaged(directory);
    }

    private static void CutSums(string path)
    {
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        var nodes = model.Graph.Node;
        var makers = nodes.SelectMany(static node => node.Output.Select(output => (output, node))).ToDictionary(static pair => pair.output, static pair => pair.node);
        foreach (var mean in nodes.Where(static node => node.OpType == "Transpose").ToList())
        {
            if (Maker(mean, 0) is { OpType: "MatMul" } product
                && Maker(product, 0) is { OpType: "Transpose" } columns && Maker(product, 1) is { OpType: "Transpose" } weights
                && Maker(weights, 0) is { OpType: "Softmax" })
            {
                (mean.OpType, mean.Name) = ("MatMul", product.Name);
                mean.Attribute.Clear();
                mean.Input.Clear();
                mean.Input.AddRange([weights.Input[0], columns.Input[0]]);
                nodes.Remove(product);
            }
        }

        File.WriteAllBytes(path, model.ToByteArray());

        NodeProto? Maker(NodeProto node, int input) => makers.GetValueOrDefault(node.Input[input]);
    }
}
