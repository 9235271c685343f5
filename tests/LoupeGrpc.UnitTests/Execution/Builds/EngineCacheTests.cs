using LoupeGrpc.Execution.Builds;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace LoupeGrpc.UnitTests.Execution.Builds;

public sealed class EngineCacheTests : IDisposable
{
    private static readonly EngineCacheKey Key = new("m0", "TensorRT", "fp16", ["ONNX Runtime 1.31.0", "TensorRT 10.9"], "H100", [1, 2], ["a=1"]);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("loupe-engines-");

    private EngineCache Cache => new(_root.FullName, NullLogger.Instance);

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void What_was_kept_is_found_under_its_key()
    {
        Assert.Null(Cache.Find(Key));
        var kept = Build();
        Assert.Equal(kept, Cache.Find(Key));
        Assert.Equal("engine", File.ReadAllText(Path.Combine(kept, "encoder.engine")));
    }

    [Fact]
    public void Whatever_an_engine_depends_on_changes_its_key()
    {
        EngineCacheKey[] keys =
        [
            Key,
            Key with { Model = "m1" },
            Key with { Provider = "Mine" },
            Key with { Precision = "fp32" },
            Key with { ProviderVersions = ["ONNX Runtime 1.31.0", "TensorRT 10.10"] },
            Key with { Device = "H200" },
            Key with { Buckets = [1, 2, 4] },
            Key with { Options = ["a=2"] },
        ];
        Assert.Equal(keys.Length, keys.Select(static key => key.DirectoryName).Distinct().Count());
        Build();
        Assert.All(keys[1..], key => Assert.Null(Cache.Find(key)));
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("missing")]
    [InlineData("added")]
    [InlineData("unfinished")]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("of another key")]
    public void What_is_not_whole_or_not_ours_is_thrown_away(string harm)
    {
        var kept = Build();
        var record = Path.Combine(kept, "engines.json");
        switch (harm)
        {
            case "changed":
                File.AppendAllText(Path.Combine(kept, "encoder.engine"), "x");
                break;
            case "missing":
                File.Delete(Path.Combine(kept, "encoder.engine"));
                break;
            case "added":
                File.WriteAllText(Path.Combine(kept, "foreign.engine"), "x");
                break;
            case "unfinished":
                File.Delete(record);
                break;
            case "not json":
                File.WriteAllText(record, "{");
                break;
            case "null":
                File.WriteAllText(record, "null");
                break;
            default:
                File.WriteAllText(record, File.ReadAllText(record).Replace("H100", "H200", StringComparison.Ordinal));
                break;
        }

        Assert.Null(Cache.Find(Key));
        Assert.False(Directory.Exists(kept));
        Assert.NotNull(Build());
        Assert.NotNull(Cache.Find(Key));
    }

    [Fact]
    public void Timings_may_change()
    {
        var kept = Build();
        File.WriteAllText(Path.Combine(kept, "graph.timing"), "new");
        Assert.Equal(kept, Cache.Find(Key));
    }

    [Fact]
    public void What_a_build_that_died_left_behind_is_not_taken_over()
    {
        var staging = Cache.Begin(Key);
        File.WriteAllText(Path.Combine(staging, "half"), "x");
        Assert.Null(Cache.Find(Key));
        Assert.Empty(Directory.GetFiles(Cache.Begin(Key)));
    }

    private string Build()
    {
        var staging = Cache.Begin(Key);
        File.WriteAllText(Path.Combine(staging, "encoder.engine"), "engine");
        return Cache.Keep(Key, staging);
    }
}
