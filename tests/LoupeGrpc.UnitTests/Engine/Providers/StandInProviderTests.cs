using Google.Protobuf;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Modeling.Onnx;
using LoupeGrpc.TestSupport;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Providers;

/// <summary>The provider that stands in for a GPU does what its source promises: what does not end the process, in this one.</summary>
public sealed class StandInProviderTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-standin-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("Neg", -1.5, 1.5)]
    [InlineData("Neg", 2, -2)]
    [InlineData("Relu", -1.5, 0)]
    [InlineData("Relu", 2, 2)]
    [InlineData("Sigmoid", 0, 0.5)]
    [InlineData("Sigmoid", 1, 0.7310586)]
    public void It_computes_what_the_operator_says_with_no_help_of_the_CPU(string op, double x, double expected)
    {
        using var session = Open(op);

        Assert.All(Run(session, 2, (float)x), y => Assert.Equal(expected, y, 1e-6));
    }

    [Theory]
    [InlineData("Neg", 0x3e00, 0xbe00)]
    [InlineData("Relu", 0xbe00, 0)]
    [InlineData("Relu", 0x3e00, 0x3e00)]
    [InlineData("Relu", 0xfe00, 0xfe00)]
    public void It_computes_halves_too(string op, int x, int expected)
    {
        using var options = ProviderSessions.CreateAlone(Target());
        using var session = new InferenceSession(Unary(op, TensorProto.Types.DataType.Float16), options);
        using var runOptions = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(new Float16[] { new((ushort)x) }, [1, 1]);
        using var results = session.Run(runOptions, ["x"], [input], ["y"]);

        Assert.Equal((ushort)expected, results[0].GetTensorDataAsSpan<Float16>()[0].value);
    }

    [Fact]
    public void What_it_does_not_take_stays_with_the_CPU()
    {
        Assert.Contains("fallback to CPU EP has been explicitly disabled", Assert.Throws<OnnxRuntimeException>(() => Open("Exp").Dispose()).Message, StringComparison.Ordinal);

        using var options = ProviderSessions.Create(Target(), 1);
        using var session = new InferenceSession(Unary("Exp"), options);
        Assert.Equal(1, Run(session, 1, 0)[0]);
    }

    [Fact]
    public void It_takes_nodes_of_every_graph_of_the_embedded_model()
    {
        var files = TestPackages.Nano.FilesOf(LoupeGrpc.Packaging.PackageLayout.Fp32);
        var engines = 0;
        foreach (var file in new[] { files.Encoder, files.Segmentor, files.Adapt })
        {
            using var options = ProviderSessions.Create(Target(("build_seconds", "0.001"), ("engine_cache_path", _directory.FullName)), 1);
            using var session = new InferenceSession(TestPackages.Nano.PathOf(file), options);
            Assert.Equal(++engines, _directory.GetFiles("*.engine").Length);
        }
    }

    [Fact]
    public void A_session_that_cannot_be_created_says_why()
    {
        var exception = Assert.Throws<OnnxRuntimeException>(() => Open("Relu", ("mode", "error-at-create")).Dispose());

        Assert.Equal("stand-in: the device is held by another process", OrtMessage.Of(exception));
    }

    [Theory]
    [InlineData("speed", "11", "there is no option speed")]
    [InlineData("mode", "tired", "mode cannot be tired")]
    [InlineData("build_seconds", "soon", "build_seconds cannot be soon")]
    public void A_wrong_option_is_refused(string name, string value, string expected) =>
        Assert.Contains(expected, Assert.Throws<OnnxRuntimeException>(() => Open("Relu", (name, value)).Dispose()).Message, StringComparison.Ordinal);

    [Fact]
    public void Wrong_numbers_come_in_large_tensors_only()
    {
        using var session = Open("Relu", ("mode", "wrong-numbers"));

        Assert.All(Run(session, 16, 3), static y => Assert.Equal(3, y));
        Assert.All(Run(session, 17, 3), static y => Assert.Equal(0, y));
    }

    [Fact]
    public void Batches_over_the_limit_find_no_memory_and_smaller_ones_still_do()
    {
        using var session = Open("Relu", ("max_batch", "2"));

        Assert.Contains(
            "Failed to allocate memory for requested buffer of size 192",
            Assert.Throws<OnnxRuntimeException>(() => Run(session, 3, 1)).Message,
            StringComparison.Ordinal);
        Assert.Equal(1, Run(session, 2, 1)[0]);
    }

    [Fact]
    public void A_lost_device_stays_lost_for_every_session()
    {
        using var first = Open("Relu", ("fail_after_runs", "3"));
        using var second = Open("Neg", ("fail_after_runs", "3"));
        using var unconcerned = Open("Neg");
        Run(first, 1, 1);
        Run(second, 1, 1);
        Run(first, 1, 1);
        foreach (var session in new[] { first, second, first })
        {
            Assert.Contains("CUDA failure 700", Assert.Throws<OnnxRuntimeException>(() => Run(session, 1, 1)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(-1, Run(unconcerned, 1, 1)[0]);
    }

    [Fact]
    public void An_engine_is_built_once_and_a_damaged_one_again_or_refused()
    {
        (string, string)[] options = [("build_seconds", "0.001"), ("engine_cache_path", _directory.FullName)];
        Open("Relu", options).Dispose();
        var engine = Assert.Single(_directory.GetFiles()).FullName;
        var good = File.ReadAllText(engine);

        // What comes out of the cache is not written again.
        File.SetLastWriteTimeUtc(engine, DateTime.UnixEpoch);
        Open("Relu", options).Dispose();
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(engine));

        File.WriteAllText(engine, "rubbish");
        Assert.Contains("is not an engine for this graph", Assert.Throws<OnnxRuntimeException>(() => Open("Relu", [.. options, ("refuse_corrupt", "1")]).Dispose()).Message, StringComparison.Ordinal);
        Open("Relu", options).Dispose();
        Assert.Equal(good, File.ReadAllText(engine));
    }

    private static ExecutionTarget Target(params (string Name, string Value)[] options) => new()
    {
        Kind = ProviderKind.Plugin,
        Provider = "StandIn",
        Library = StandIn.Library,
        Options = options.ToDictionary(static option => option.Name, static option => option.Value),
    };

    /// <summary>A graph of one node that has to run on the stand-in.</summary>
    private static InferenceSession Open(string op, params (string Name, string Value)[] options)
    {
        using var sessionOptions = ProviderSessions.CreateAlone(Target(options));
        return new InferenceSession(Unary(op), sessionOptions);
    }

    /// <summary>Rows of 16 equal numbers.</summary>
    private static float[] Run(InferenceSession session, int rows, float value)
    {
        using var runOptions = new RunOptions();
        var values = new float[rows * 16];
        Array.Fill(values, value);
        using var input = OrtValue.CreateTensorValueFromMemory(values, [rows, 16]);
        using var results = session.Run(runOptions, ["x"], [input], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static byte[] Unary(string op, TensorProto.Types.DataType type = TensorProto.Types.DataType.Float)
    {
        ValueInfoProto Matrix(string name)
        {
            var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "rows" }, new TensorShapeProto.Types.Dimension { DimParam = "columns" } } };
            return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } } };
        }

        return new ModelProto
        {
            IrVersion = 8,
            OpsetImport = { new OperatorSetIdProto { Version = 17 } },
            Graph = new GraphProto
            {
                Name = op,
                Node = { new NodeProto { OpType = op, Input = { "x" }, Output = { "y" } } },
                Input = { Matrix("x") },
                Output = { Matrix("y") },
            },
        }.ToByteArray();
    }
}
