using LoupeGrpc.Engine;
using LoupeGrpc.Execution;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Everything that can be set: section <c>Loupe</c>. Read by <see cref="LoupeOptionsReader"/>, which checks the ranges.</summary>
internal sealed record LoupeOptions
{
    public EndpointOptions Endpoints { get; init; } = new();

    public ModelOptions Model { get; init; } = new();

    public LimitOptions Limits { get; init; } = new();

    /// <summary>Thresholds of sessions and pictures that give none. 0 ≤ low ≤ high ≤ 1. Default 0.4 and 0.6.</summary>
    public VerdictThresholds Thresholds { get; init; } = VerdictThresholds.Default;

    /// <summary>How the engine runs; its limits are those of <see cref="Limits"/>.</summary>
    public EngineOptions Engine { get; init; } = new();

    public ExecutionOptions Execution { get; init; } = new();

    public ConnectionOptions Connections { get; init; } = new();

    public ShutdownOptions Shutdown { get; init; } = new();

    public SessionOptions Sessions { get; init; } = new();

    public AdaptationOptions Adaptation { get; init; } = new();

    public AdminOptions Admin { get; init; } = new();

    public ReflectionOptions Reflection { get; init; } = new();
}

/// <summary>Where the server listens.</summary>
internal sealed record EndpointOptions
{
    /// <summary>gRPC over HTTP/2 without TLS. Default <c>http://127.0.0.1:5005</c>.</summary>
    public ListenUrl Grpc { get; init; } = ListenUrl.Loopback(5005);

    /// <summary>Probes over HTTP/1.1. Default <c>http://127.0.0.1:5006</c>.</summary>
    public ListenUrl Operations { get; init; } = ListenUrl.Loopback(5006);
}

/// <summary>Which model is served.</summary>
internal sealed record ModelOptions
{
    /// <summary>A package's directory. Default (empty): the embedded demonstration model.</summary>
    public string Path { get; init; } = string.Empty;

    /// <summary>Where the embedded model is kept once converted. Default (empty): <c>$XDG_CACHE_HOME/loupe-grpc</c> or <c>~/.cache/loupe-grpc</c>.</summary>
    public string CacheDirectory { get; init; } = string.Empty;
}

/// <summary>What one frame, one session and all sessions together may ask for.</summary>
internal sealed record LimitOptions
{
    /// <summary>Added to <see cref="MaxFrameBytes"/> for what surrounds a frame in its message.</summary>
    public const int MessageOverhead = 1 << 20;

    /// <summary>Bytes, 1 KiB to 1 GiB. Default 32 MiB.</summary>
    public int MaxFrameBytes { get; init; } = 32 << 20;

    /// <summary>Width times height, from 1. Default 100 million.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Pixels of the longer side, 1 to 65,535. Default 16,384.</summary>
    public int MaxSide { get; init; } = 16_384;

    /// <summary>Frames of a session without an outcome, 1 to 4096. Default 64.</summary>
    public int Credits { get; init; } = 64;

    /// <summary>Frames of a session inside the engine at a time, 1 to 1024. Default 8. The share of a busy machine that one session gets.</summary>
    public int SessionConcurrency { get; init; } = 8;

    /// <summary>Sessions, 1 to 100,000. Default 256. One that waits to be resumed makes room for a new one.</summary>
    public int MaxSessions { get; init; } = 256;

    /// <summary>Bytes of frames of a session that wait or are analysed, from 1 MiB. Default 128 MiB. A single larger frame still passes alone.</summary>
    public long MaxSessionBytes { get; init; } = 128L << 20;

    /// <summary>Bytes of frames of all sessions that wait or are analysed, from 1 MiB. Default 1 GiB. A single larger frame still passes alone.</summary>
    public long MaxBufferedBytes { get; init; } = 1L << 30;

    /// <summary>Bytes of one response, whatever the client accepts, 64 KiB to 1 GiB. Default 64 MiB.</summary>
    public int MaxResponseBytes { get; init; } = 64 << 20;

    /// <summary>Largest request message in bytes: what the transport lets through.</summary>
    public int MaxMessageBytes => MaxFrameBytes + MessageOverhead;
}

/// <summary>How connections are kept.</summary>
internal sealed record ConnectionOptions
{
    /// <summary>Silence on a connection after which an HTTP/2 ping is sent, 1 s to 1 h. Default 20 s. A peer that does not answer within as much again is gone.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>How the server stops.</summary>
internal sealed record ShutdownOptions
{
    /// <summary>From the signal until every session has ended, 0 to 1 h. Default 15 s. Frames not analysed by then are dropped.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>What becomes of a session whose connection breaks.</summary>
internal sealed record SessionOptions
{
    /// <summary>How long it can be resumed, 0 to 1 h. Default 60 s. 0: no session is kept.</summary>
    public TimeSpan ResumeWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Bytes of responses that one session keeps after they were written, 64 KiB to 1 TiB. Default 64 MiB. Over it the oldest are forgotten, and who
    /// lacks them cannot resume.
    /// </summary>
    public long MaxKeptBytes { get; init; } = 64L << 20;
}

/// <summary>What sessions that adapt may hold.</summary>
internal sealed record AdaptationOptions
{
    /// <summary>
    /// Bytes of all adaptation states together, from 0: none. Default 1 GiB. The embedded model takes 1.8 MB a session, L14 30 MB. Over it the
    /// state not used for the longest time is evicted.
    /// </summary>
    public long MaxStateBytes { get; init; } = 1L << 30;
}

/// <summary>The service for operators.</summary>
internal sealed record AdminOptions
{
    /// <summary>Whether <c>SessionAdminService</c> answers. Default false: whoever reaches the port could end sessions.</summary>
    public bool Enabled { get; init; }
}

/// <summary>The standard reflection service.</summary>
internal sealed record ReflectionOptions
{
    /// <summary>Default true.</summary>
    public bool Enabled { get; init; } = true;
}
