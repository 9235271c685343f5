using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Scheduling;
using LoupeGrpc.Packaging;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Execution;

public sealed class ProcessorGraphTests
{
    [Theory]
    [InlineData("nano")]
    [InlineData("tiny-l")]
    [InlineData("tiny-g")]
    [InlineData("tiny-s")]
    public void They_answer_what_the_standard_graphs_do(string name)
    {
        var package = name == "nano" ? TestPackages.Nano : TestPackages.Tiny(name);
        var standard = Answers(package, GraphKind.Standard);
        var own = Answers(package, GraphKind.Processor);

        Assert.True(SelfCheck.Distance(standard.Masks, own.Masks) < 1e-5);
        Assert.True(SelfCheck.Distance(standard.Classes, own.Classes) < 1e-5);
    }

    [Fact]
    public void Those_of_another_version_are_left_alone()
    {
        string directory = TestPackages.Copy(TestPackages.Tiny("tiny-s"));
        var manifest = ModelPackage.OpenStaged(directory).Manifest;
        var files = manifest.Precisions[PackageLayout.Fp32];
        var other = files.Processor! with { Operators = ProcessorOperators.Version + 1 };
        manifest = manifest with { Precisions = new Dictionary<string, PrecisionFiles>(manifest.Precisions) { [PackageLayout.Fp32] = files with { Processor = other } } };
        File.WriteAllBytes(Path.Combine(directory, PackageLayout.Manifest), manifest.ToBytes());
        using var log = new RecordedLog();

        using var runs = ModelRuns.Start(
            ModelPackage.OpenStaged(directory), new EngineOptions(), ExecutionTarget.Cpu, log, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(GraphKind.Standard, runs.Model.Graphs);
        Assert.Empty(log.Of("OperatorsMissing"));
    }

    [Fact]
    public void A_package_without_them_runs()
    {
        string directory = TestPackages.Copy(TestPackages.Tiny("tiny-s"));
        var manifest = ModelPackage.OpenStaged(directory).Manifest;
        var precisions = manifest.Precisions.ToDictionary(static entry => entry.Key, static entry => entry.Value with { Processor = null });
        File.WriteAllBytes(Path.Combine(directory, PackageLayout.Manifest), (manifest with { Precisions = precisions }).ToBytes());

        using var model = LoupeModel.Load(ModelPackage.Open(directory), ExecutionTarget.Cpu, intraOpThreads: 1);

        Assert.Equal(GraphKind.Standard, model.Graphs);
        Assert.Null(model.WithoutOperators);
    }

    [Fact]
    public void A_library_that_does_not_load_says_why()
    {
        Assert.Null(ProviderSessions.OperatorsFault);
        Assert.Contains("nowhere.so", ProviderSessions.FaultOf("/nowhere.so"), StringComparison.Ordinal);

        // A library without operators.
        Assert.NotNull(ProviderSessions.FaultOf(Path.Combine(AppContext.BaseDirectory, "libOpenCvSharpExtern.so")));
    }

    private static (float[] Masks, float[] Classes) Answers(ModelPackage package, GraphKind graphs)
    {
        using var model = LoupeModel.Load(package, ExecutionTarget.Cpu, intraOpThreads: 2, graphs: graphs);
        Assert.Equal(graphs, model.Graphs);
        using var slot = RunSlot.Allocate(model, rows: 2);
        using var pixels = model.CreatePixels();
        SelfCheckInput.Fill(pixels.Values, (int)pixels.Shape[2]);
        for (int row = 0; row < 2; row++)
        {
            slot.Load(row, pixels);
            slot.PseudoLabels.Values[row] = 0.25f + (0.5f * row);
            slot.SetParameters(row, model.BaseParameters);
            pixels.Values.Reverse();
        }

        slot.Encode(2);
        slot.Segment(new RowRange(0, 2));
        return (slot.MaskLogits.Values.ToArray(), slot.ClassLogits.Values.ToArray());
    }
}
