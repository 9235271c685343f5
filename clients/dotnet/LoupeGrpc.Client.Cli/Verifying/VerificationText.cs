using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoupeGrpc.Receipts;

namespace LoupeGrpc.Client.Cli.Verifying;

/// <summary>What was found out about receipts, for people and for programs.</summary>
internal static class VerificationText
{
    private static readonly VerificationJson Writer = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Line(CheckedReceipt one)
    {
        var parts = new[] { one.Receipt is { } receipt ? About(receipt) : null, one.Picture }.OfType<string>().Concat(one.Remarks);
        return $"{Word(one.Result),-9} {one.File}:{one.Line}  {string.Join("; ", parts)}";
    }

    public static string Line(Remark one) => $"{Word(one.Result),-9} {one.Of}: {one.Message}";

    public static string Json(CheckedReceipt one)
    {
        var predicate = one.Receipt?.Statement.Predicate;
        return Write(new VerifiedLine(
            one.File,
            one.Line,
            WireName.Of(one.Result),
            predicate?.Session?.Id,
            predicate?.Session?.Sequence,
            predicate?.Session?.FrameId,
            predicate?.Result?.Score,
            predicate?.Result?.Verdict,
            predicate?.Model?.Sha256,
            predicate?.Time,
            one.Picture,
            one.Remarks));
    }

    public static string Json(Remark one) =>
        Write(new VerifiedLine(null, null, WireName.Of(one.Result), null, null, null, null, null, null, null, null, [$"{one.Of}: {one.Message}"]));

    public static string Summary(IReadOnlyList<CheckedReceipt> receipts)
    {
        var parts = receipts.GroupBy(static one => one.Result).OrderBy(static group => group.Key)
            .Select(static group => string.Create(CultureInfo.InvariantCulture, $"{group.Count()} {(group.Key == CheckResult.Holds && group.Count() > 1 ? "hold" : Word(group.Key))}"));
        return string.Create(CultureInfo.InvariantCulture, $"{receipts.Count} {(receipts.Count == 1 ? "receipt" : "receipts")}: {string.Join(", ", parts)}");
    }

    private static string Word(CheckResult result) => result.ToString().ToLowerInvariant();

    private static string About(Receipt receipt)
    {
        var predicate = receipt.Statement.Predicate;
        var time = predicate.Time.UtcDateTime.ToString("u", CultureInfo.InvariantCulture);
        return predicate switch
        {
            { End: { } end, Session: { } session } => string.Create(CultureInfo.InvariantCulture, $"end of session {session.Id}: {end.Results} results of {end.Frames} frames, {time}"),
            { Result: { } result, Model: { } model } => string.Create(
                CultureInfo.InvariantCulture,
                $"{(predicate.Session is { } of ? $"frame {of.FrameId} of session {of.Id}" : "a picture")}: {result.Verdict} {result.Score:0.00000} by {model.Name}@{model.Sha256[..8]} on {predicate.Execution!.Provider} {predicate.Execution.Precision}, {time}"),
            _ => time,
        };
    }

    private static string Write(VerifiedLine line) => JsonSerializer.Serialize(line, Writer.VerifiedLine);
}

/// <param name="File">Null of what is no receipt.</param>
internal sealed record VerifiedLine(
    string? File,
    int? Line,
    string Status,
    string? Session,
    ulong? Sequence,
    ulong? FrameId,
    float? Score,
    string? Verdict,
    string? Model,
    DateTimeOffset? Time,
    string? Picture,
    IReadOnlyList<string> Remarks);

[JsonSerializable(typeof(VerifiedLine))]
internal sealed partial class VerificationJson : JsonSerializerContext;
