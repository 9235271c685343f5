using System.ComponentModel.DataAnnotations;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Configuration;
using LoupeGrpc.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Configuration;

/// <summary>
/// Everything that can be set: section <c>Loupe</c>. Names, ranges and what help says stand in the attributes and nowhere else; a property with
/// <see cref="SettingAttribute"/> is a setting.
/// </summary>
internal sealed record LoupeOptions : IValidatableObject
{
    public const string Section = "Loupe";

    [SettingSection("Where the server listens")]
    public EndpointOptions Endpoints { get; init; } = new();

    [SettingSection("TLS: for addresses that are https://")]
    public TlsOptions Tls { get; init; } = new();

    [SettingSection("What pages in browsers may do")]
    public WebOptions Web { get; init; } = new();

    [SettingSection("Who may come in")]
    public SecurityOptions Security { get; init; } = new();

    [SettingSection("What one identity may take, unless its key says otherwise")]
    public QuotaOptions Quotas { get; init; } = new();

    [SettingSection("Which model is served")]
    public ModelOptions Model { get; init; } = new();

    /// <summary>In the order of their names.</summary>
    [SettingSection("More models, each under the NAME that clients ask for", Key = nameof(NamedModelOptions.Name))]
    public IReadOnlyList<NamedModelOptions> Models { get; init; } = [];

    [SettingSection("What one frame, one session and all sessions together may take")]
    public LimitOptions Limits { get; init; } = new();

    /// <summary>Of sessions and pictures that give none.</summary>
    [SettingSection("Where a score becomes a verdict, unless the client sets its own thresholds")]
    public ThresholdOptions Thresholds { get; init; } = new();

    [SettingSection("How picture files are decoded")]
    public ImagingOptions Imaging { get; init; } = new();

    [SettingSection("Whom Content Credentials in pictures are trusted from")]
    public ProvenanceOptions Provenance { get; init; } = new();

    /// <summary>Its limits are those of <see cref="Limits"/>, and pictures are read as <see cref="Imaging"/> and <see cref="Provenance"/> say.</summary>
    [SettingSection("How the engine runs")]
    public EngineOptions Engine
    {
        get => ReferenceEquals(field.Limits, Limits) && ReferenceEquals(field.Imaging, Imaging) && ReferenceEquals(field.Provenance, Provenance)
            ? field
            : field = field with { Limits = Limits, Imaging = Imaging, Provenance = Provenance };
        init;
    } = new();

    [SettingSection("What the model runs on")]
    public ExecutionOptions Execution { get; init; } = new();

    [SettingSection("How connections are kept")]
    public ConnectionOptions Connections { get; init; } = new();

    [SettingSection("How the server stops")]
    public ShutdownOptions Shutdown { get; init; } = new();

    [SettingSection("What becomes of a session whose connection breaks")]
    public SessionOptions Sessions { get; init; } = new();

    [SettingSection("What sessions that adapt may hold")]
    public AdaptationOptions Adaptation { get; init; } = new();

    [SettingSection("Verdicts over time, of sessions that ask for them")]
    public TemporalOptions Temporal { get; init; } = new();

    [SettingSection("The log, on standard error")]
    public LoggingOptions Logging { get; init; } = new();

    [SettingSection("Who opened, ended, administered and was refused, in a file")]
    public AuditOptions Audit { get; init; } = new();

    [SettingSection("Results that can be proven: signed receipts")]
    public ReceiptOptions Receipts { get; init; } = new();

    [SettingSection("OpenTelemetry, beside the metrics that are always there")]
    public TelemetryOptions Telemetry { get; init; } = new();

    [SettingSection("The service for operators")]
    public AdminOptions Admin { get; init; } = new();

    [SettingSection("The standard reflection service")]
    public ReflectionOptions Reflection { get; init; } = new();

    /// <summary>What is served, never nothing. The first is for those who name none.</summary>
    public IReadOnlyList<ModelSource> ModelSources => Model.Path.Length > 0 || Models.Count == 0
        ? [new ModelSource(ModelSource.DefaultName, Model.Path), .. Named]
        : [.. Named];

    private IEnumerable<ModelSource> Named => Models.Select(static model => new ModelSource(model.Name, model.Path));

    /// <summary>With shares of the memory that callers can fill which together are no more than <see cref="LimitOptions.MaxMemoryBytes"/>.</summary>
    /// <param name="available">Bytes that this process may have, of the machine or its container.</param>
    public LoupeOptions WithinMemory(long available)
    {
        var limit = Limits.MaxMemoryBytes > 0 ? Limits.MaxMemoryBytes : available / 2;
        var asked = (double)Limits.MaxReceivingBytes + Limits.MaxBufferedBytes + Limits.MaxRespondingBytes + Adaptation.MaxStateBytes + Engine.MaxBytesInPipeline;
        if (asked <= limit)
        {
            return this;
        }

        long Share(long bytes) => (long)(bytes * (limit / asked));
        return this with
        {
            Limits = Limits with
            {
                MaxReceivingBytes = Share(Limits.MaxReceivingBytes),
                MaxBufferedBytes = Share(Limits.MaxBufferedBytes),
                MaxRespondingBytes = Share(Limits.MaxRespondingBytes),
            },
            Adaptation = Adaptation with { MaxStateBytes = Share(Adaptation.MaxStateBytes) },
            Engine = Engine with { MaxBytesInPipeline = Share(Engine.MaxBytesInPipeline) },
        };
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Thresholds.For(null) is { IsValid: false, Low: var low, High: var high })
        {
            var path = validationContext.DisplayName;
            yield return new ValidationResult(
                $"{path}:Thresholds:Low is {low}, above {path}:Thresholds:High, which is {high}", ["Thresholds:Low", "Thresholds:High"]);
        }

        foreach (var model in Models)
        {
            var path = $"{validationContext.DisplayName}:{nameof(Models)}:{model.Name}";
            if (model.Name.Equals(ModelSource.DefaultName, StringComparison.OrdinalIgnoreCase))
            {
                yield return new ValidationResult($"{path}:Path stands in the wrong place: the model '{ModelSource.DefaultName}' is {validationContext.DisplayName}:Model:Path");
            }
            else if (!model.IsNameValid)
            {
                yield return new ValidationResult($"{path} has no good name: expected 1 to {NamedModelOptions.MaxNameLength} letters, digits, '-', '_' and '.'");
            }
        }
    }
}

/// <summary>Where the server listens.</summary>
internal sealed record EndpointOptions
{
    /// <summary>HTTP/2.</summary>
    [Setting("sessions and pictures", Option = "--listen", Essential = true)]
    [Address]
    public ListenUrl Grpc { get; init; } = ListenUrl.Loopback(5005);

    /// <summary>HTTP/1.1.</summary>
    [Setting("probes and metrics", Option = "--operations", Essential = true)]
    [Address]
    public ListenUrl Operations { get; init; } = ListenUrl.Loopback(5006);

    /// <summary>HTTP/1.1, and with TLS HTTP/2 too.</summary>
    [Setting("pictures over plain HTTP", Option = "--web", Essential = true)]
    [AddressOrOff]
    public ListenUrl Web { get; init; } = ListenUrl.Loopback(5007);

    [Setting("mode of Unix domain sockets")]
    [SocketMode]
    public string SocketMode { get; init; } = "660";
}

/// <summary>Which model is served.</summary>
internal sealed record ModelOptions
{
    /// <summary>Empty: the embedded demonstration model.</summary>
    [Setting("folder of the model package", Option = "--model", Essential = true, DefaultText = "the embedded demonstration model")]
    public string Path { get; init; } = string.Empty;

    /// <summary>Empty: <c>$XDG_CACHE_HOME/loupe-grpc</c> or <c>~/.cache/loupe-grpc</c>.</summary>
    [Setting("where what was converted and tried is kept", DefaultText = "~/.cache/loupe-grpc")]
    public string CacheDirectory { get; init; } = string.Empty;
}

/// <summary>A model beside others.</summary>
internal sealed record NamedModelOptions : IValidatableObject
{
    public const int MaxNameLength = 64;

    /// <summary>What its settings stand under.</summary>
    public string Name { get; init; } = string.Empty;

    [Setting("folder of the model package", Essential = true, DefaultText = "none: it must be set")]
    public string Path { get; init; } = string.Empty;

    public bool IsNameValid => Name.Length is > 0 and <= MaxNameLength && Name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Path.Length == 0)
        {
            yield return new ValidationResult("expected the folder of a model package", [nameof(Path)]);
        }
    }
}

/// <summary>Where a model is taken from.</summary>
/// <param name="Name">What clients and operators call it.</param>
/// <param name="Path">Folder of the package; empty: the embedded model.</param>
internal sealed record ModelSource(string Name, string Path)
{
    /// <summary>Of the one that <c>Loupe:Model</c> names.</summary>
    public const string DefaultName = "default";

    public bool IsEmbedded => Path.Length == 0;
}

/// <summary>Where a score becomes a verdict.</summary>
internal sealed record ThresholdOptions
{
    [Setting("scores below it are AUTHENTIC", Essential = true, DefaultText = "the model's, else 0.4")]
    [Range(0d, 1d)]
    public float? Low { get; init; }

    [Setting("scores from it on are MANIPULATED", Essential = true, DefaultText = "the model's, else 0.6")]
    [Range(0d, 1d)]
    public float? High { get; init; }

    /// <summary>What holds for those who give none. Where either is set the model's do not count: half of a pair that was chosen together means nothing.</summary>
    /// <param name="model">Of its calibration; null: it has none.</param>
    public VerdictThresholds For(CalibratedThresholds? model) =>
        Low is null && High is null && model is not null
            ? new VerdictThresholds(model.Low, model.High)
            : new VerdictThresholds(Low ?? VerdictThresholds.Default.Low, High ?? VerdictThresholds.Default.High);
}

/// <summary>What one frame, one session and all sessions together may ask for.</summary>
internal sealed record LimitOptions : EngineLimits
{
    /// <summary>Added to <see cref="EngineLimits.MaxFrameBytes"/> for what surrounds a frame in its message.</summary>
    public const int MessageOverhead = 1 << 20;

    /// <summary>
    /// Messages on their way in, frames, responses, adaptation states and what the engine has inside. Where their own limits are more together, each is made
    /// smaller in proportion, so there is a least that is worth sharing. The model, the runtime and the decoders' processes are not counted.
    /// </summary>
    [Setting("memory for callers; 0: half of it")]
    [BytesOrZero(64L << 20, 1L << 44)]
    public long MaxMemoryBytes { get; init; }

    [Setting("frames of a session without an outcome")]
    [Range(1, 4096)]
    public int Credits { get; init; } = 64;

    /// <summary>The share of a busy machine that one session gets.</summary>
    [Setting("frames of a session in the engine at a time")]
    [Range(1, 1024)]
    public int SessionConcurrency { get; init; } = 8;

    /// <summary>One that waits to be resumed makes room for a new one.</summary>
    [Setting("open sessions; parked ones make room")]
    [Range(1, 100_000)]
    public int MaxSessions { get; init; } = 256;

    /// <summary>Of frames that wait or are analysed. A single larger frame still passes alone.</summary>
    [Setting("frames of one session held in memory")]
    [Bytes(1L << 20, 1L << 40)]
    public long MaxSessionBytes { get; init; } = 128L << 20;

    /// <summary>Of frames that wait or are analysed. A single larger frame still passes alone.</summary>
    [Setting("frames of all sessions held in memory")]
    [Bytes(1L << 20, 1L << 40)]
    public long MaxBufferedBytes { get; init; } = 1L << 30;

    /// <summary>
    /// Each is charged twice its length, as it is received and as it is taken out of that, until its frame is charged to the budgets above. Messages under 64 KiB
    /// are not counted. A single larger one still passes alone.
    /// </summary>
    [Setting("all messages on their way in")]
    [Bytes(1L << 20, 1L << 40)]
    public long MaxReceivingBytes { get; init; } = 512L << 20;

    /// <summary>Made and not written, or written and kept for a call that resumes. Over it who waits to be resumed and who does not read gives way.</summary>
    [Setting("responses unread, or kept to resend")]
    [Bytes(1L << 20, 1L << 40)]
    public long MaxRespondingBytes { get; init; } = 512L << 20;

    [Setting("one response")]
    [Bytes(1 << 16, 1 << 30)]
    public int MaxResponseBytes { get; init; } = 64 << 20;

    /// <summary>Each is a run of the model.</summary>
    [Setting("tiles of a picture")]
    [Range(1, TileRequest.Ceiling)]
    public int MaxTiles { get; init; } = 1024;

    /// <summary>Largest request message in bytes: what the transport lets through.</summary>
    public int MaxMessageBytes => (int)MaxFrameBytes + MessageOverhead;
}

/// <summary>How connections are kept.</summary>
internal sealed record ConnectionOptions
{
    /// <summary>A peer that does not answer an HTTP/2 ping within as much again is gone.</summary>
    [Setting("silence after which a peer is pinged")]
    [Duration("1s", "1h")]
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Of the addresses of gRPC and the web together. Never more than the limit of open files leaves room for: 0 is that.</summary>
    [Setting("connections; 0: as open files allow")]
    [Range(0, 1_000_000)]
    public int MaxConnections { get; init; }

    /// <summary>Of a connection: HTTP/2 begins with a word of the client.</summary>
    [Setting("how long a new connection may be silent")]
    [Duration("1s", "1h")]
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Of a picture that is sent over plain HTTP, and of who reads the answer: some of it is taken in that time, or it is cut off.</summary>
    [Setting("how long a body, sent or read, may pause")]
    [Duration("1s", "1h")]
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From the beginning of a call until its message <c>open</c> is there.</summary>
    [Setting("time a call has to open a session")]
    [Duration("1s", "1h")]
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection may have half of them.</summary>
    [Setting("calls that have no session yet")]
    [Range(2, 100_000)]
    public int MaxUnopenedCalls { get; init; } = 512;
}

/// <summary>How the server stops.</summary>
internal sealed record ShutdownOptions
{
    /// <summary>From the signal until every session has ended. Frames not analysed by then are dropped.</summary>
    [Setting("how long sessions may finish after SIGTERM")]
    [Duration("0s", "1h")]
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>What becomes of a session whose connection breaks.</summary>
internal sealed record SessionOptions : IValidatableObject
{
    /// <summary>0: no session is kept.</summary>
    [Setting("time in which lost ones resume; 0: never")]
    [Duration("0s", "1h")]
    public TimeSpan ResumeWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Only where <see cref="LimitOptions.MaxSessions"/> are open.</summary>
    [Setting("age at which one that sent nothing yields")]
    [Duration("1s", "1h")]
    public TimeSpan UnusedTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Only where <see cref="LimitOptions.MaxSessions"/> are open.</summary>
    [Setting("silence after which a session yields")]
    [Duration("1s", "24h")]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Over it the oldest are forgotten, and who lacks them cannot resume.</summary>
    [Setting("responses kept to be sent again")]
    [Bytes(1L << 16, 1L << 40)]
    public long MaxKeptBytes { get; init; } = 64L << 20;

    /// <summary>Sessions that can be resumed are kept there too, so that another server, or this one after a restart, goes on with them.</summary>
    [Setting("Redis that keeps sessions too: redis[s]://…", Essential = true, DefaultText = "none")]
    public string Store { get; init; } = string.Empty;

    [Setting("who signs its certificate (PEM)", DefaultText = "the system's")]
    public string StoreAuthority { get; init; } = string.Empty;

    /// <summary>Beside that they are written when they are opened, when their connection breaks, and when the server stops.</summary>
    [Setting("frames from one writing to the next")]
    [Range(1, 100_000)]
    public int CheckpointInterval { get; init; } = 64;

    /// <summary>With all that is kept to be sent again, and the adaptation state. Redis itself takes 512 MiB.</summary>
    [Setting("largest record of a session")]
    [Bytes(1L << 20, 1L << 29)]
    public long MaxRecordBytes { get; init; } = 256L << 20;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Store.Length > 0 && !StoreAddress.TryRead(Store, out _))
        {
            // Without what stands there: there may be a password in it.
            yield return new ValidationResult($"Loupe:Sessions:Store is not {StoreAddress.Form}");
        }

        if (Store.Length > 0 && ResumeWindow == TimeSpan.Zero)
        {
            yield return new ValidationResult("Loupe:Sessions:Store keeps nothing, since no session can be resumed: Loupe:Sessions:ResumeWindow is 0");
        }
    }
}

/// <summary>What sessions that adapt may hold.</summary>
internal sealed record AdaptationOptions
{
    /// <summary>
    /// The embedded model takes 1.8 MB a session, L14 30 MB. Over it the state not used for the longest time is evicted.
    /// </summary>
    [Setting("all adaptation states; 0: nobody adapts")]
    [Bytes(0, 1L << 40)]
    public long MaxStateBytes { get; init; } = 1L << 30;
}

/// <summary>How frames are judged over time in sessions that ask for it: what holds for those that do not say, and the most they may have.</summary>
internal sealed record TemporalOptions : IValidatableObject
{
    /// <summary>Frames of any window.</summary>
    public const int MostFrames = 1024;

    /// <summary>Segments of any session.</summary>
    public const int MostSegments = 1024;

    /// <summary>Of those that give none.</summary>
    [Setting("frames older than it leave the window")]
    [Duration("10ms", "1h")]
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Of those that give none.</summary>
    [Setting("frames in the window at most")]
    [Range(1, MostFrames)]
    public int Frames { get; init; } = 32;

    /// <summary>Of those that give none. A verdict other than UNCERTAIN needs as many.</summary>
    [Setting("frames a verdict needs")]
    [Range(1, MostFrames)]
    public int MinFrames { get; init; } = 3;

    [Setting("frames in a window that a session may ask for")]
    [Range(1, MostFrames)]
    public int MaxFrames { get; init; } = 256;

    /// <summary>Mean difference of two frames' colours in 8 x 8 fields, 0 to 1, less what the whole picture became brighter.</summary>
    [Setting("change that is a scene cut; 1: none is seen")]
    [Range(0.01d, 1d)]
    public float CutChange { get; init; } = 0.08f;

    /// <summary>Later ones are left out of the summary, which says so.</summary>
    [Setting("segments of a session that are kept")]
    [Range(1, MostSegments)]
    public int MaxSegments { get; init; } = 256;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MinFrames > Frames || Frames > MaxFrames)
        {
            yield return new ValidationResult(
                $"Loupe:Temporal:MinFrames is {MinFrames}, Frames {Frames} and MaxFrames {MaxFrames}: none may be above the one after it", [nameof(MinFrames), nameof(Frames), nameof(MaxFrames)]);
        }
    }
}

/// <summary>The service for operators.</summary>
internal sealed record AdminOptions
{
    /// <summary>Off unless asked for: whoever reaches the port could end sessions.</summary>
    [Setting("whether SessionAdminService answers")]
    public bool Enabled { get; init; }
}

/// <summary>The standard reflection service.</summary>
internal sealed record ReflectionOptions
{
    [Setting("whether clients may ask for the contract")]
    public bool Enabled { get; init; } = true;
}
