using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Providers;

/// <summary>Trials that cannot end this process. The others are tried from outside.</summary>
public sealed class ProviderTrialTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-trial-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void The_CPU_runs()
    {
        var report = ProviderTrial.Run(ExecutionTarget.Cpu, TestTrial.Graph);

        Assert.Equal((true, true, true, string.Empty), (report.Exists, report.Loads, report.Runs, report.Reason));
        Assert.Equal("1.31.0", report.Versions.OnnxRuntime);
    }

    [Fact]
    public void A_library_that_works_runs_and_tells_what_it_has()
    {
        var steps = new List<ProviderReport>();
        var report = ProviderTrial.Run(Plugin(StandIn.Library), TestTrial.Graph, steps.Add);

        Assert.Equal((true, true, true, string.Empty), (report.Exists, report.Loads, report.Runs, report.Reason));
        Assert.Equal([new ProviderDevice(0, "Stand-in 0")], report.Devices);
        Assert.Equal("1.0.0", report.Versions.Provider);
        Assert.Equal([(true, false, false), (true, true, false)], steps.Select(static step => (step.Exists, step.Loads, step.Runs)));
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        var report = ProviderTrial.Run(Plugin(Path.Combine(_directory.FullName, "libnone.so")), TestTrial.Graph);

        Assert.False(report.Exists);
        Assert.Equal($"There is no file {_directory.FullName}/libnone.so.", report.Reason);
    }

    [Fact]
    public void A_file_that_is_no_library_does_not_load()
    {
        var path = Path.Combine(_directory.FullName, "libtext.so");
        File.WriteAllText(path, "not a library");

        var report = ProviderTrial.Run(Plugin(path), TestTrial.Graph);

        Assert.Equal((true, false, false), (report.Exists, report.Loads, report.Runs));
        Assert.Matches("^Test does not load: .*libtext.so.*file too short", report.Reason);
    }

    [Fact]
    public void A_library_that_is_no_provider_does_not_load()
    {
        var report = ProviderTrial.Run(Plugin(Path.Combine(AppContext.BaseDirectory, "libloupe_native.so")), TestTrial.Graph);

        Assert.Equal((true, false, false), (report.Exists, report.Loads, report.Runs));
        Assert.Contains("CreateEpFactories", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_it_does_not_have_is_named()
    {
        var report = ProviderTrial.Run(Plugin(StandIn.Library) with { DeviceIndex = 3 }, TestTrial.Graph);

        Assert.Equal((true, true, false), (report.Exists, report.Loads, report.Runs));
        Assert.StartsWith("Test has no device 3, only 0 to 0: ", report.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_that_fails_says_so_in_one_sentence()
    {
        var report = ProviderTrial.Run(Plugin(StandIn.Library) with { Options = new Dictionary<string, string> { ["mode"] = "error-at-create" } }, TestTrial.Graph);

        Assert.Equal((true, true, false), (report.Exists, report.Loads, report.Runs));
        Assert.Equal("Test does not run a graph of one node: stand-in: the device is held by another process.", report.Reason);
    }

    [Fact]
    public void Links_of_a_library_are_read_from_its_file()
    {
        Assert.Equal(["libm.so.6", "libc.so.6"], SharedLibraries.Needed(StandIn.Library));
        Assert.Empty(SharedLibraries.Missing(StandIn.Library));

        var damaged = Path.Combine(_directory.FullName, "libdamaged.so");
        var bytes = File.ReadAllBytes(StandIn.Library);
        File.WriteAllBytes(damaged, bytes[..100]);
        Assert.Empty(SharedLibraries.Needed(damaged));
        bytes.AsSpan(32, 8).Fill(0xff);
        File.WriteAllBytes(damaged, bytes);
        Assert.Empty(SharedLibraries.Needed(damaged));
    }

    [Fact]
    public void Libraries_that_are_missing_are_named()
    {
        // The same library, linked with one that nobody has.
        var path = Path.Combine(_directory.FullName, "liborphan.so");
        var bytes = File.ReadAllBytes(StandIn.Library);
        var name = bytes.AsSpan().IndexOf("libm.so.6\0"u8);
        "libq"u8.CopyTo(bytes.AsSpan(name));
        File.WriteAllBytes(path, bytes);

        var report = ProviderTrial.Run(Plugin(path), TestTrial.Graph);

        Assert.Equal(["libq.so.6"], report.MissingLibraries);
        Assert.Equal("Test does not load: libq.so.6 is not installed.", report.Reason);
    }

    [Theory]
    [InlineData("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version:  gcc version 12.2.0", "550.54.14")]
    [InlineData("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (root@host)", "580.65.06")]
    [InlineData("something else 1.2", null)]
    public void The_driver_of_NVIDIA_is_read_from_what_its_module_writes(string text, string? expected) =>
        Assert.Equal(expected, NvidiaDriver.ModuleVersion(text));

    private static ExecutionTarget Plugin(string library) => new() { Kind = ProviderKind.Plugin, Provider = "Test", Library = library };
}
