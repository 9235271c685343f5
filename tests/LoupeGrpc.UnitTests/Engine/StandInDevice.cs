using LoupeGrpc.Engine;
using LoupeGrpc.TestSupport;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.UnitTests.Engine;

/// <summary>The stand-in provider with one frame a run, and with options that give it a bad day. Its runs that hang can be waited for.</summary>
internal sealed class StandInDevice(params string[] options) : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-hang-");

    private string Log => Path.Combine(_directory.FullName, "log");

    public void Dispose() => _directory.Delete(recursive: true);

    public Task<LoupeEngine> StartAsync(EngineOptions engine, TimeProvider? time = null, ILoggerFactory? loggers = null)
    {
        var all = options.Chunk(2).ToDictionary(static pair => pair[0], static pair => pair[1]);
        all.Add("log", Log);
        return EngineFixture.StartAsync(
            engine,
            TestPackages.Tiny("tiny-s"),
            time,
            new ExecutionTarget { Kind = ProviderKind.Plugin, Provider = "StandIn", Library = StandIn.Library, Options = all },
            loggers);
    }

    /// <summary>As <see cref="StartAsync"/>, where the encoder never ends its next run. At its start the segmentor takes two runs already.</summary>
    public static async Task<(StandInDevice Device, LoupeEngine Engine)> StartHangingAsync(EngineOptions options, TimeProvider time)
    {
        var device = new StandInDevice("hang_at_run", "3");
        var engine = await device.StartAsync(options, time);
        await engine.AnalyzedAsync(Frames.Noise(40, 40), new AnalysisRequest { MaskPolicy = MaskPolicy.Never });
        return (device, engine);
    }

    /// <summary>Ends when a run hangs.</summary>
    public async Task Reached(CancellationToken cancellationToken)
    {
        while (!File.Exists(Log) || !(await File.ReadAllTextAsync(Log, cancellationToken)).Contains("hang", StringComparison.Ordinal))
        {
            await Task.Delay(10, cancellationToken);
        }
    }
}
