using LoupeGrpc.Engine;

namespace LoupeGrpc.Server.Configuration;

/// <summary>From configuration to <see cref="LoupeOptions"/>: the one list of settings with their names and ranges.</summary>
internal static class LoupeOptionsReader
{
    public const string Section = "Loupe";

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>Every setting, for <c>--help</c>.</summary>
    public static IReadOnlyList<SettingDescription> Describe()
    {
        var reader = new SettingsReader(new ConfigurationBuilder().Build(), Section);
        Read(reader);
        return reader.Settings;
    }

    /// <summary>Reads and checks everything. The options are of use only where there are no mistakes.</summary>
    public static (LoupeOptions Options, IReadOnlyList<string> Mistakes) Read(IConfigurationRoot configuration)
    {
        var reader = new SettingsReader(configuration, Section);
        var options = Read(reader);
        reader.RefuseUnknown();
        return (options, reader.Mistakes);
    }

    private static LoupeOptions Read(SettingsReader reader)
    {
        var defaults = new LoupeOptions();
        // In the order of --help.
        var endpoints = new EndpointOptions
        {
            Grpc = reader.Address("Endpoints:Grpc", defaults.Endpoints.Grpc, "where gRPC listens, over HTTP/2 without TLS (--listen)"),
            Operations = reader.Address(
                "Endpoints:Operations", defaults.Endpoints.Operations, "where probes and metrics are answered, over HTTP/1.1 (--operations)"),
        };
        var model = new ModelOptions
        {
            Path = reader.Text("Model:Path", defaults.Model.Path, "the embedded demonstration model", "directory of the model package (--model)"),
            CacheDirectory = reader.Text(
                "Model:CacheDirectory", defaults.Model.CacheDirectory, "~/.cache/loupe-grpc", "where the embedded model is kept once converted"),
        };
        var limits = ReadLimits(reader, defaults.Limits);
        return new LoupeOptions
        {
            Endpoints = endpoints,
            Model = model,
            Limits = limits,
            Thresholds = ReadThresholds(reader, defaults.Thresholds),
            Engine = ReadEngine(reader, defaults.Engine, limits),
            Execution = ExecutionOptionsReader.Read(reader, defaults.Execution),
            Connections = new ConnectionOptions
            {
                PingInterval = reader.Duration(
                    "Connections:PingInterval", defaults.Connections.PingInterval, TimeSpan.FromSeconds(1), Hour,
                    "silence on a connection after which it is asked for a sign of life"),
            },
            Shutdown = new ShutdownOptions
            {
                DrainTimeout = reader.Duration(
                    "Shutdown:DrainTimeout", defaults.Shutdown.DrainTimeout, TimeSpan.Zero, Hour, "how long sessions may finish after SIGTERM"),
            },
            Sessions = new SessionOptions
            {
                ResumeWindow = reader.Duration(
                    "Sessions:ResumeWindow", defaults.Sessions.ResumeWindow, TimeSpan.Zero, Hour,
                    "how long a session can be resumed after its connection broke; 0: never"),
                MaxKeptBytes = reader.Integer(
                    "Sessions:MaxKeptBytes", defaults.Sessions.MaxKeptBytes, 1L << 16, 1L << 40,
                    "bytes of written responses that one session keeps to send again"),
            },
            Adaptation = new AdaptationOptions
            {
                MaxStateBytes = reader.Integer(
                    "Adaptation:MaxStateBytes", defaults.Adaptation.MaxStateBytes, 0, 1L << 40, "bytes of all adaptation states together, the least recently used is evicted; 0: nobody adapts"),
            },
            Admin = new AdminOptions
            {
                Enabled = reader.Switch("Admin:Enabled", defaults.Admin.Enabled, "whether SessionAdminService answers"),
            },
            Reflection = new ReflectionOptions
            {
                Enabled = reader.Switch("Reflection:Enabled", defaults.Reflection.Enabled, "whether clients may ask for the contract"),
            },
        };
    }

    private static LimitOptions ReadLimits(SettingsReader reader, LimitOptions defaults) => new()
    {
        MaxFrameBytes = reader.Integer("Limits:MaxFrameBytes", defaults.MaxFrameBytes, 1 << 10, 1 << 30, "bytes of one frame"),
        MaxPixels = reader.Integer("Limits:MaxPixels", defaults.MaxPixels, 1, 65_535L * 65_535, "width times height of one frame"),
        MaxSide = reader.Integer("Limits:MaxSide", defaults.MaxSide, 1, 65_535, "pixels of its longer side"),
        Credits = reader.Integer("Limits:Credits", defaults.Credits, 1, 4096, "frames of a session that may be without an outcome"),
        SessionConcurrency = reader.Integer(
            "Limits:SessionConcurrency", defaults.SessionConcurrency, 1, 1024, "frames of a session inside the engine at a time"),
        MaxSessions = reader.Integer("Limits:MaxSessions", defaults.MaxSessions, 1, 100_000, "sessions; one without a connection makes room for a new one"),
        MaxSessionBytes = reader.Integer(
            "Limits:MaxSessionBytes", defaults.MaxSessionBytes, 1L << 20, 1L << 40, "bytes of frames of a session that wait or are analysed"),
        MaxBufferedBytes = reader.Integer(
            "Limits:MaxBufferedBytes", defaults.MaxBufferedBytes, 1L << 20, 1L << 40, "the same of all sessions together"),
        MaxResponseBytes = reader.Integer(
            "Limits:MaxResponseBytes", defaults.MaxResponseBytes, 1 << 16, 1 << 30, "bytes of one response, whatever the client accepts"),
    };

    private static VerdictThresholds ReadThresholds(SettingsReader reader, VerdictThresholds defaults)
    {
        var thresholds = new VerdictThresholds(
            reader.Share("Thresholds:Low", defaults.Low, "scores below it are AUTHENTIC, unless the client says otherwise"),
            reader.Share("Thresholds:High", defaults.High, "scores from it on are MANIPULATED, unless the client says otherwise"));
        if (!thresholds.IsValid)
        {
            reader.Mistake($"{Section}:Thresholds:Low is {thresholds.Low}, above {Section}:Thresholds:High, which is {thresholds.High}.");
        }

        return thresholds;
    }

    private static EngineOptions ReadEngine(SettingsReader reader, EngineOptions defaults, LimitOptions limits) => new()
    {
        Limits = new EngineLimits { MaxFrameBytes = limits.MaxFrameBytes, MaxPixels = limits.MaxPixels, MaxSide = limits.MaxSide },
        MaxFramesInPipeline = reader.Integer(
            "Engine:MaxFramesInPipeline", defaults.MaxFramesInPipeline, 1, 1024, "frames inside the engine at a time, all sessions together"),
        MaxBytesInPipeline = reader.Integer(
            "Engine:MaxBytesInPipeline", defaults.MaxBytesInPipeline, 1L << 20, 1L << 40, "bytes of frames inside the engine at a time"),
        DecodeWorkers = reader.Integer("Engine:DecodeWorkers", defaults.DecodeWorkers, 0, 64, "threads that decode; 0: half of the cores"),
        ConcurrentRuns = reader.Integer("Engine:ConcurrentRuns", defaults.ConcurrentRuns, 0, 64, "concurrent runs of each graph; 0: one"),
        IntraOpThreads = reader.Integer("Engine:IntraOpThreads", defaults.IntraOpThreads, 0, 256, "threads inside one run; 0: as many as cores"),
    };
}
