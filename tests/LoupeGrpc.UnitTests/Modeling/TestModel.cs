using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Modeling.Configuration;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.UnitTests.Modeling;

/// <summary>The small models of the reference data.</summary>
internal static class TestModel
{
    public static LoupeConfig TinyConfig(string name) => LoupeConfigReader.Read(TestData.Golden("tiny", name, "config.json"));

    public static Checkpoint TinyWeights(string name) => Checkpoint.Open([TestData.Golden("tiny", name, "model.safetensors")]);
}
