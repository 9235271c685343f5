using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Execution;
using Microsoft.ML.OnnxRuntime;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>Frames for which there is no memory at the moment.</summary>
public sealed class EngineMemoryTests
{
    public static TheoryData<Exception> Shortages =>
    [
        Caught(static () => GC.AllocateUninitializedArray<long>(int.MaxValue)),
        new OpenCVException(ErrorCode.StsNoMem, "OutOfMemoryError", "Failed to allocate 300000000 bytes", "alloc.cpp", 73),
    ];

    [Theory]
    [MemberData(nameof(Shortages))]
    public async Task A_frame_without_memory_is_told_to_come_again_and_which_settings_bound_it(Exception shortage)
    {
        using var log = new RecordedLog();
        await using var engine = await EngineFixture.StartAsync(loggers: log);
        var noise = Frames.Noise(8, 8);
        var input = noise with { Data = new HookedMemory(noise.Data.ToArray(), () => throw shortage).Bytes };

        var failure = await engine.FailedAsync(input);

        Assert.Equal(FailureKind.Overloaded, failure.Kind);
        Assert.Contains("Loupe:Engine:MaxBytesInPipeline", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Loupe:Limits:MaxPixels", failure.Message, StringComparison.Ordinal);
        Assert.Single(log.Of("FrameWithoutMemory"));
        await engine.AnalyzedAsync(noise);
    }

    [Fact]
    public void Only_a_shortage_of_memory_is_one()
    {
        Assert.All(Shortages, static row => Assert.True(MemoryFaults.IsShortage(row.Data)));
        Assert.False(MemoryFaults.IsShortage(new OpenCVException(ErrorCode.StsBadSize, "imdecode", "bad size", "loadsave.cpp", 1)));
        Assert.False(MemoryFaults.IsShortage(new OverflowException()));
        Assert.False(MemoryFaults.IsShortage(new InvalidOperationException("out of memory")));
    }

    private static Exception Caught(Func<object> action) => Record.Exception(action)!;

    [Theory]
    [InlineData("Failed to allocate memory for requested buffer of size 4096", true)]
    [InlineData("Non-zero status code returned while running Conv node.", false)]
    public void Of_ONNX_Runtime_the_words_are_looked_at(string message, bool shortage)
    {
        // Its exceptions have no constructor of their own that can be called.
        var exception = (OnnxRuntimeException)Activator.CreateInstance(
            typeof(OnnxRuntimeException),
            System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public,
            null,
            [Enum.ToObject(typeof(OnnxRuntimeException).Assembly.GetType("Microsoft.ML.OnnxRuntime.ErrorCode")!, 1), message],
            null)!;

        Assert.Equal(shortage, MemoryFaults.IsShortage(exception));
    }
}
