using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.V1;

namespace LoupeGrpc.Scenario;

/// <summary>What every client prints, in the one form that clients/scenario/README.md defines.</summary>
internal static class Line
{
    /// <summary>Keys in ordinal order, no spaces, nothing escaped that need not be.</summary>
    public static string Write(JsonObject line)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Sorted(line)!.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static JsonObject Of(SessionGrant grant)
    {
        var line = new JsonObject
        {
            ["step"] = "open",
            ["model"] = grant.Model.Name,
            ["demonstration"] = grant.Model.Demonstration,
            ["thresholds"] = Of(grant.Thresholds),
            ["mask"] = new JsonArray(Name(grant.Mask.Policy), Name(grant.Mask.Encoding)),
            ["delivery"] = Name(grant.Delivery.Mode),
            ["credits"] = grant.Limits.Credits,
            ["unavailable"] = new JsonArray([.. grant.Unavailable.Select(static part => JsonValue.Create(part.Feature))]),
        };
        return With(line, grant.Adaptation);
    }

    public static JsonObject Of(LoupeOutcome outcome)
    {
        var line = new JsonObject
        {
            ["step"] = "outcome",
            ["frame_id"] = Number(outcome.FrameId),
            ["index"] = outcome.Index,
            ["sequence"] = outcome.Sequence is { } sequence ? (long)sequence : null,
        };
        switch (outcome)
        {
            case LoupeResult { Result: var result }:
                line["outcome"] = "RESULT";
                return With(line, result);
            case LoupeDropped dropped:
                line["outcome"] = "DROPPED";
                line["reason"] = Name(dropped.Reason);
                return line;
            case LoupeExpired:
                line["outcome"] = "EXPIRED";
                return line;
            case LoupeFailed failed:
                line["outcome"] = "FAILED";
                line["code"] = Name(failed.Code);
                line["message"] = failed.Message;
                return line;
            default:
                throw new InvalidOperationException($"no outcome is a {outcome.GetType().Name}");
        }
    }

    public static JsonObject Of(AnalyzeImageResponse answer) => With(new JsonObject { ["step"] = "analyze", ["model"] = answer.Model.Name }, answer.Result);

    public static JsonObject Of(string control, ControlReply reply)
    {
        var line = new JsonObject { ["step"] = "control", ["control"] = control, ["thresholds"] = Of(reply.Thresholds) };
        if (!reply.Snapshot.IsEmpty)
        {
            line["snapshot"] = reply.Snapshot.Length;
        }

        return With(line, reply.Adaptation);
    }

    public static JsonObject Of(SessionSummary summary)
    {
        var line = new JsonObject
        {
            ["step"] = "summary",
            ["frames"] = summary.Frames,
            ["results"] = summary.Results,
            ["dropped"] = summary.Dropped,
            ["expired"] = summary.Expired,
            ["failed"] = summary.Failed,
            ["reasons"] = new JsonObject(summary.Reasons.Select(static reason => KeyValuePair.Create<string, JsonNode?>(reason.Reason, reason.Count))),
            ["verdicts"] = new JsonObject(summary.Verdicts.Select(static verdict => KeyValuePair.Create<string, JsonNode?>(Name(verdict.Verdict), verdict.Count))),
            ["timeline"] = new JsonArray([.. summary.Timeline.Select(static run => new JsonArray(run.FirstSequence, run.LastSequence))]),
        };
        return With(line, summary.Adaptation);
    }

    /// <summary>The contract's own spelling, without the enum's name; a value of a newer server is unspecified.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => Enum.IsDefined(value)
            ? string.Concat(value.ToString().Select(static (letter, i) => i > 0 && char.IsUpper(letter) ? $"_{letter}" : $"{char.ToUpperInvariant(letter)}"))
            : "UNSPECIFIED";

    private static JsonObject With(JsonObject line, FrameResult result)
    {
        line["score"] = result.Score.ToString("F6", CultureInfo.InvariantCulture);
        line["verdict"] = Name(result.Verdict);
        line["used"] = Of(result.Thresholds);
        line["size"] = new JsonArray(result.Width, result.Height);
        line["sha256"] = Convert.ToHexStringLower(result.Sha256.Span);
        line["notes"] = new JsonArray([.. result.Notes.Select(static note => JsonValue.Create(Name(note.Code)))]);
        line["orientation"] = result.Orientation;
        line["agreement"] = Name(result.MaskAgreement);
        if (result.Mask?.Rle is { } rle)
        {
            line["mask"] = Of(CocoRleDecoder.Decode(rle), result.Mask.Area);
        }
        else
        {
            line["omission"] = Name(result.MaskOmission);
        }

        return With(line, result.Adaptation);
    }

    private static JsonObject With(JsonObject line, AdaptationState? state)
    {
        if (state is not null)
        {
            line["adaptation"] = new JsonObject { ["step"] = state.Step, ["hash"] = Convert.ToHexStringLower(state.Hash.Span), ["frozen"] = state.Frozen };
        }

        return line;
    }

    private static JsonObject Of(BinaryMask mask, ulong area)
    {
        var (left, top, right, bottom, forged) = (mask.Width, mask.Height, 0, 0, 0ul);
        for (var i = 0; i < mask.Pixels.Length; i++)
        {
            if (mask.Pixels[i] == BinaryMask.Forged)
            {
                var (row, column) = Math.DivRem(i, mask.Width);
                (left, top, right, bottom) = (Math.Min(left, column), Math.Min(top, row), Math.Max(right, column + 1), Math.Max(bottom, row + 1));
                forged++;
            }
        }

        return new JsonObject
        {
            ["area"] = forged,
            ["area_holds"] = forged == area,
            ["box"] = forged == 0 ? new JsonArray(0, 0, 0, 0) : new JsonArray(left, top, right - left, bottom - top),
            ["pixels"] = Convert.ToHexStringLower(SHA256.HashData([.. mask.Pixels.Select(static pixel => (byte)(pixel & 1))])),
        };
    }

    private static JsonArray Of(Thresholds? thresholds) =>
        new((thresholds?.Low ?? 0).ToString("F4", CultureInfo.InvariantCulture), (thresholds?.High ?? 0).ToString("F4", CultureInfo.InvariantCulture));

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => KeyValuePair.Create(pair.Key, Sorted(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Sorted)]),
        _ => node?.DeepClone(),
    };
}
