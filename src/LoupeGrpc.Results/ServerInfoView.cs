using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoupeGrpc.V1;

namespace LoupeGrpc.Results;

/// <summary>What a server says about itself, for `info`. The names are those of the JSON.</summary>
internal sealed record ServerInfoView(
    string Address,
    string Server,
    ModelView Model,
    string Provider,
    string Precision,
    string Device,
    IReadOnlyList<RungView> Ladder,
    IReadOnlyList<ServedModelView> Models,
    LimitsView Limits,
    ThresholdsView DefaultThresholds,
    IReadOnlyList<UnavailableView> Unavailable,
    DateTimeOffset? ReadySince,
    double? StartupS,
    uint ActiveSessions,
    ReceiptKeyView? ReceiptKey)
{
    private static readonly ServerInfoJson Json = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <param name="address">Where it was asked.</param>
    public static ServerInfoView From(string address, GetServerInfoResponse info)
    {
        var model = info.Model ?? new ModelInfo();
        var execution = info.Execution ?? new ExecutionInfo();
        var limits = info.Limits ?? new Limits();
        var thresholds = info.DefaultThresholds ?? new Thresholds();
        return new ServerInfoView(
            address,
            info.Server,
            new ModelView(model.Name, model.Version, model.Hash, model.Demonstration, model.ImageSize, model.PatchGrid, model.NativeTiles, CalibrationView.From(model.Calibration)),
            execution.Provider,
            execution.Precision,
            execution.Device,
            [.. info.Ladder.Select(rung => new RungView(
                rung.Provider, WireName.Of(rung.State), rung.Reason, rung.Precision, rung.Device, rung.Elapsed?.ToTimeSpan().TotalSeconds, rung.Sessions))],
            [.. info.Models.Select(served => new ServedModelView(
                served.Name, served.Model?.Name ?? "", served.Model?.Version ?? "", served.Model?.Hash ?? "", served.Execution?.Provider ?? "",
                served.Execution?.Precision ?? "", served.Sessions, served.Leaving))],
            new LimitsView(
                limits.MaxFrameBytes,
                limits.MaxMessageBytes,
                limits.MaxResponseBytes,
                limits.MaxPixels,
                limits.MaxSide,
                limits.Credits,
                limits.MaxSessions,
                limits.MaxAdaptationBytes,
                limits.MaxTiles),
            new ThresholdsView(thresholds.Low, thresholds.High),
            [.. info.Unavailable.Select(missing => new UnavailableView(missing.Feature, missing.Reason))],
            info.ReadySince?.ToDateTimeOffset(),
            info.Startup?.ToTimeSpan().TotalSeconds,
            info.ActiveSessions,
            info.ReceiptKey is { } key ? new ReceiptKeyView(key.KeyId, PemEncoding.WriteString("PUBLIC KEY", key.PublicKey.Span)) : null);
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json.ServerInfoView);

    public IEnumerable<string> ToLines()
    {
        yield return Line("server", $"{Server} at {Address}");
        yield return Line("model", $"{Model.Name} {Model.Version}, {Model.ImageSize} px, {Model.PatchGrid}x{Model.PatchGrid} patches{(Model.NativeTiles ? $", large pictures in up to {Limits.MaxTiles} tiles" : "")}");
        yield return Line("hash", Model.Hash);
        if (Model.Demonstration)
        {
            yield return Line("", "a demonstration model: decide nothing real with it");
        }

        yield return Line("calibrated", Model.Calibration?.ToString() ?? "no: scores are the model's own");
        yield return Line("runs on", string.Join(' ', new[] { Provider, Precision, Device }.Where(part => part.Length > 0)));
        foreach (var rung in Ladder)
        {
            var elapsed = rung.ElapsedS is { } seconds ? string.Create(CultureInfo.InvariantCulture, $" for {seconds:0} s") : "";
            yield return Line("provider", $"{rung.Provider}: {rung.State}{elapsed}{(rung.Reason.Length > 0 ? $" ({rung.Reason})" : "")}");
        }

        // One alone is said above.
        foreach (var served in Models.Count > 1 ? Models : [])
        {
            yield return Line(
                "--model",
                $"{served.Name}: {served.Model} {served.Version} {served.Hash[..Math.Min(8, served.Hash.Length)]} on {served.Provider} {served.Precision}, {served.Sessions} sessions"
                    + (served.Leaving ? ", replaced: it goes when they have ended" : ""));
        }

        yield return Line("thresholds", string.Create(CultureInfo.InvariantCulture, $"AUTHENTIC below {DefaultThresholds.Low}, MANIPULATED from {DefaultThresholds.High}"));
        yield return Line("limits", string.Create(
            CultureInfo.InvariantCulture,
            $"frame {MiB(Limits.MaxFrameBytes)}, {Limits.MaxPixels / 1e6:0.#} megapixels, {Limits.MaxSide} px a side, {Limits.Credits} frames in flight, {Limits.MaxSessions} sessions"));
        if (ReceiptKey is { } key)
        {
            yield return Line("receipts", $"signed by the key {key.KeyId}");
        }

        foreach (var missing in Unavailable)
        {
            yield return Line("not here", $"{missing.Feature}: {missing.Reason}");
        }

        if (ReadySince is { } since)
        {
            var startup = StartupS is { } seconds ? string.Create(CultureInfo.InvariantCulture, $", after {seconds:0.0} s of start-up") : "";
            yield return Line("ready since", $"{since.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)}{startup}");
        }

        yield return Line("sessions", ActiveSessions.ToString(CultureInfo.InvariantCulture));
    }

    private static string Line(string name, string value) => $"{name,-12} {value}";

    private static string MiB(ulong bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024.0):0.##} MiB");
}

internal sealed record ModelView(string Name, string Version, string Hash, bool Demonstration, uint ImageSize, uint PatchGrid, bool NativeTiles, CalibrationView? Calibration);

/// <param name="FalseAlarms">Wished for at most, above 0 and below 1.</param>
/// <param name="Confidence">Null: no more on average.</param>
internal sealed record CalibrationView(
    double Temperature, double Bias, double TileBias, float Low, float High, double FalseAlarms, double? Confidence, ulong Authentic, ulong Forged, DateTimeOffset? MadeAt)
{
    /// <param name="made">Null: the package is not calibrated.</param>
    public static CalibrationView? From(Calibration? made) => made is null ? null : new CalibrationView(
        made.Temperature, made.Bias, made.TileBias, made.Low, made.High, made.FalseAlarms, made.Confidence > 0 ? made.Confidence : null, made.Authentic, made.Forged,
        made.MadeAt?.ToDateTimeOffset());

    /// <summary>In a sentence.</summary>
    public override string ToString()
    {
        var when = MadeAt is { } date ? $"{date.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}, " : "";
        var sure = Confidence is { } confidence ? string.Create(CultureInfo.InvariantCulture, $" with {100 * confidence:0.###} % confidence") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{when}on {Authentic} authentic and {Forged} forged pictures, for at most {100 * FalseAlarms:0.###} % false alarms{sure}: temperature {Temperature:0.####}, bias {Bias:0.####}, bias of tiles {TileBias:0.####}, AUTHENTIC below {Low}, MANIPULATED from {High}");
    }
}

/// <param name="Name">That clients ask for.</param>
/// <param name="Model">Of the package.</param>
/// <param name="Leaving">Another package has its name by now.</param>
internal sealed record ServedModelView(string Name, string Model, string Version, string Hash, string Provider, string Precision, uint Sessions, bool Leaving);

internal sealed record RungView(string Provider, string State, string Reason, string Precision, string Device, double? ElapsedS, uint Sessions);

internal sealed record LimitsView(
    ulong MaxFrameBytes,
    ulong MaxMessageBytes,
    ulong MaxResponseBytes,
    ulong MaxPixels,
    uint MaxSide,
    uint Credits,
    uint MaxSessions,
    ulong MaxAdaptationBytes,
    uint MaxTiles);

/// <param name="PublicKey">PEM.</param>
internal sealed record ReceiptKeyView(string KeyId, string PublicKey);

internal sealed record ThresholdsView(float Low, float High);

internal sealed record UnavailableView(string Feature, string Reason);

[JsonSerializable(typeof(ServerInfoView))]
internal sealed partial class ServerInfoJson : JsonSerializerContext;
