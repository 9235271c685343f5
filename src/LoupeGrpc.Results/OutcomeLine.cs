using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoupeGrpc.V1;

namespace LoupeGrpc.Results;

/// <summary>What became of a picture or a frame as JSON: the fields, their order and their names are a contract.</summary>
internal sealed record OutcomeLine
{
    /// <summary>Run lengths are full of &lt; and &gt;, which only matter inside HTML.</summary>
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>JSON has no word for what is not a number; as text it costs no row.</summary>
    public static OutcomeJson Json { get; } = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    });

    /// <summary>Null: it has no name.</summary>
    [JsonPropertyName("path")]
    public required string? Path { get; init; }

    [JsonPropertyName("frame_id")]
    public required ulong FrameId { get; init; }

    [JsonPropertyName("time_s")]
    public double? TimeSeconds { get; init; }

    [JsonPropertyName("outcome")]
    public required string Outcome { get; init; }

    [JsonPropertyName("reason")]
    public string? Reason { get; init; }

    [JsonPropertyName("age_ms")]
    public double? AgeMs { get; init; }

    [JsonPropertyName("error")]
    public ErrorField? Error { get; init; }

    [JsonPropertyName("score")]
    public float? Score { get; init; }

    [JsonPropertyName("verdict")]
    public string? Verdict { get; init; }

    [JsonPropertyName("width")]
    public uint? Width { get; init; }

    [JsonPropertyName("height")]
    public uint? Height { get; init; }

    [JsonPropertyName("mask")]
    public MaskField? Mask { get; init; }

    /// <summary>Pixels; null where there is no mask.</summary>
    [JsonPropertyName("mask_area")]
    public ulong? MaskArea { get; init; }

    /// <summary>Null where no mask was computed; one that was too long to be sent has its regions.</summary>
    [JsonPropertyName("regions")]
    public IReadOnlyList<RegionField>? Regions { get; init; }

    [JsonPropertyName("notes")]
    public IReadOnlyList<NoteField>? Notes { get; init; }

    [JsonPropertyName("sha256")]
    public string? Sha256 { get; init; }

    [JsonPropertyName("timings_ms")]
    public TimingsField? Timings { get; init; }

    [JsonPropertyName("provider")]
    public string? Provider { get; init; }

    [JsonPropertyName("adaptation")]
    public AdaptationField? Adaptation { get; init; }

    /// <summary>Share of the picture on which base and adapted mask differ; null where there was no dual verdict.</summary>
    [JsonPropertyName("mask_disagreement")]
    public float? MaskDisagreement { get; init; }

    /// <summary>The frame's own file, in a folder of frames.</summary>
    [JsonPropertyName("source")]
    public string? Source { get; init; }

    /// <summary>How viewers turn the picture, in EXIF's numbering; null where it is upright.</summary>
    [JsonPropertyName("orientation")]
    public uint? Orientation { get; init; }

    /// <summary>What was left out rather than lose frames, in the words of the contract; null: nothing.</summary>
    [JsonPropertyName("economies")]
    public IReadOnlyList<string>? Economies { get; init; }

    /// <summary>How it was looked at in tiles; null: it was looked at whole.</summary>
    [JsonPropertyName("tiles")]
    public TilesField? Tiles { get; init; }

    /// <summary>What the frames up to this one say together; null where nobody asked.</summary>
    [JsonPropertyName("temporal")]
    public TemporalField? Temporal { get; init; }

    /// <summary>What the file itself says of where it comes from; null where it says nothing.</summary>
    [JsonPropertyName("provenance")]
    public ProvenanceField? Provenance { get; init; }

    /// <summary>What was measured, in sentences; null where no language was asked for.</summary>
    [JsonPropertyName("explanation")]
    public IReadOnlyList<SentenceField>? Explanation { get; init; }

    /// <summary>Signed, an object: over plain HTTP. The client's tool has a file for receipts.</summary>
    [JsonPropertyName("receipt")]
    public JsonElement? Receipt { get; init; }

    [JsonPropertyName("mask_file")]
    public string? MaskFile { get; init; }

    [JsonPropertyName("overlay_file")]
    public string? OverlayFile { get; init; }

    /// <summary>Only in the file of `--skip-done`.</summary>
    [JsonPropertyName("done")]
    public DoneMark? Done { get; init; }

    public void WriteTo(IBufferWriter<byte> output)
    {
        using var json = new Utf8JsonWriter(output, WriterOptions);
        JsonSerializer.Serialize(json, this, Json.OutcomeLine);
    }

    /// <param name="code">In the words of the contract, as <c>TOO_LARGE</c>.</param>
    public OutcomeLine WithFailure(string code, string message) => this with { Outcome = "FAILED", Error = new ErrorField(code, message) };

    public OutcomeLine WithResult(FrameResult result) => this with
    {
        Outcome = "RESULT",
        Score = float.IsFinite(result.Score) ? result.Score : null,
        Verdict = WireName.Of(result.Verdict),
        Width = result.Width,
        Height = result.Height,
        Mask = result.Mask?.Rle is { } rle ? new MaskField([.. rle.Size], rle.Counts) : null,
        MaskArea = result.Mask?.Area,
        Regions = result.Mask is null && result.MaskOmission != MaskOmission.Budget
            ? null
            : [.. result.Regions.Select(RegionField.From)],
        Notes = [.. result.Notes.Select(note => new NoteField(WireName.Of(note.Code), note.Message))],
        Sha256 = Convert.ToHexStringLower(result.Sha256.Span),
        Timings = result.Timings is { } timings ? TimingsField.From(timings, result.Adaptation is not null) : null,
        Provider = result.Execution?.Provider,
        Adaptation = result.Adaptation is { } state ? new AdaptationField(state.Step, Convert.ToHexStringLower(state.Hash.Span), state.Drift) : null,
        Orientation = result.Orientation > 1 ? result.Orientation : null,
        MaskDisagreement = result.BaseMask is null ? null : result.MaskDisagreement,
        Tiles = result.Tiles is { } tiles ? TilesField.From(tiles) : null,
        Temporal = result.Temporal is { } temporal ? TemporalField.From(temporal) : null,
        Provenance = result.Provenance is { } provenance ? ProvenanceField.From(provenance) : null,
        Explanation = result.Explanation.Count > 0 ? [.. result.Explanation.Select(SentenceField.From)] : null,
        Economies = result.Economies.Count > 0 ? [.. result.Economies.Select(static economy => WireName.Of(economy))] : null,
    };
}

/// <param name="Numbers">By name; null where there are none.</param>
internal sealed record SentenceField(
    [property: JsonPropertyName("code")] string Code,
    [property: JsonPropertyName("text")] string Text,
    [property: JsonPropertyName("numbers")] IReadOnlyDictionary<string, double>? Numbers)
{
    /// <summary>In the order of their names, which a map of the contract does not keep.</summary>
    public static SentenceField From(Explanation sentence) => new(
        WireName.Of(sentence.Code), sentence.Text, sentence.Numbers.Count == 0 ? null : new SortedDictionary<string, double>(sentence.Numbers, StringComparer.Ordinal));
}

/// <param name="Of">Tiles that cover the picture.</param>
internal sealed record TilesField(
    [property: JsonPropertyName("analysed")] uint Analysed,
    [property: JsonPropertyName("of")] uint Of,
    [property: JsonPropertyName("step")] uint Step,
    [property: JsonPropertyName("whole_picture_run")] bool WholePictureRun,
    [property: JsonPropertyName("coverage")] double Coverage,
    [property: JsonPropertyName("peak")] PeakField? Peak,
    [property: JsonPropertyName("window")] TileWindowField? Window)
{
    public static TilesField From(TileReport tiles) => new(
        tiles.Analysed,
        tiles.Total,
        tiles.Step,
        tiles.WholePictureRun,
        Math.Round(tiles.Coverage, 3),
        tiles.Peak is { } peak ? PeakField.From(peak) : null,
        tiles.Window is { } window ? new TileWindowField(window.Frames, window.Size, window.Fresh, window.Masked, window.PeakAge) : null);
}

/// <param name="Frames">Whose tiles count, this one among them.</param>
/// <param name="Size">The most that it may be.</param>
/// <param name="Fresh">Tiles of this frame.</param>
/// <param name="Masked">Tiles that the mask is made of.</param>
/// <param name="PeakAge">Frames before this one.</param>
internal sealed record TileWindowField(
    [property: JsonPropertyName("frames")] uint Frames,
    [property: JsonPropertyName("size")] uint Size,
    [property: JsonPropertyName("fresh")] uint Fresh,
    [property: JsonPropertyName("masked")] uint Masked,
    [property: JsonPropertyName("peak_age")] uint PeakAge);

internal sealed record PeakField([property: JsonPropertyName("score")] float Score, [property: JsonPropertyName("box")] IReadOnlyList<uint> Box)
{
    public static PeakField From(TilePeak peak)
    {
        var box = peak.Box ?? new Box();
        return new(peak.Score, [box.X, box.Y, box.Width, box.Height]);
    }
}

/// <param name="Score">The window's mean logit as a score.</param>
/// <param name="Frames">In the window.</param>
/// <param name="Counted">Whether the frame is one of them.</param>
/// <param name="Since">The server's number of the first frame of the segment; null where the verdict is not manipulated.</param>
internal sealed record TemporalField(
    [property: JsonPropertyName("verdict")] string Verdict,
    [property: JsonPropertyName("score")] float Score,
    [property: JsonPropertyName("frames")] uint Frames,
    [property: JsonPropertyName("counted")] bool Counted,
    [property: JsonPropertyName("scene")] ulong Scene,
    [property: JsonPropertyName("since")] ulong? Since)
{
    public static TemporalField From(TemporalVerdict temporal) => new(
        WireName.Of(temporal.Verdict),
        temporal.Score,
        temporal.Frames,
        temporal.Counted,
        temporal.Scene,
        temporal.Verdict == LoupeGrpc.V1.Verdict.Manipulated ? temporal.SinceSequence : null);
}

internal sealed record ErrorField([property: JsonPropertyName("code")] string Code, [property: JsonPropertyName("message")] string Message);

internal sealed record MaskField([property: JsonPropertyName("size")] IReadOnlyList<uint> Size, [property: JsonPropertyName("counts")] string Counts);

internal sealed record RegionField(
    [property: JsonPropertyName("box")] IReadOnlyList<uint> Box,
    [property: JsonPropertyName("area")] ulong Area,
    [property: JsonPropertyName("mean")] float Mean)
{
    /// <summary>A server that names no box costs no row.</summary>
    public static RegionField From(Region region)
    {
        var box = region.Box ?? new Box();
        return new RegionField([box.X, box.Y, box.Width, box.Height], region.Area, region.Mean);
    }
}

internal sealed record NoteField([property: JsonPropertyName("code")] string Code, [property: JsonPropertyName("message")] string Message);

internal sealed record AdaptationField(
    [property: JsonPropertyName("step")] ulong Step,
    [property: JsonPropertyName("hash")] string Hash,
    [property: JsonPropertyName("drift")] float Drift);

internal sealed record TimingsField(
    [property: JsonPropertyName("queue")] float Queue,
    [property: JsonPropertyName("decode")] float Decode,
    [property: JsonPropertyName("preprocess")] float Preprocess,
    [property: JsonPropertyName("encode")] float Encode,
    [property: JsonPropertyName("segment")] float Segment,
    [property: JsonPropertyName("mask")] float Mask,
    [property: JsonPropertyName("adapt")] float? Adapt,
    [property: JsonPropertyName("dual")] float? Dual,
    [property: JsonPropertyName("total")] float Total)
{
    /// <summary>Microseconds are as fine as the server measures.</summary>
    public static TimingsField From(StageTimings timings, bool adapts) => new(
        Round(timings.QueueMs),
        Round(timings.DecodeMs),
        Round(timings.PreprocessMs),
        Round(timings.EncodeMs),
        Round(timings.SegmentMs),
        Round(timings.MaskMs),
        adapts ? Round(timings.AdaptMs) : null,
        adapts ? Round(timings.DualMs) : null,
        Round(timings.TotalMs));

    private static float Round(float milliseconds) => float.IsFinite(milliseconds) ? MathF.Round(milliseconds, 3) : 0;
}

[JsonSerializable(typeof(OutcomeLine))]
internal sealed partial class OutcomeJson : JsonSerializerContext;
