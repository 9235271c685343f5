using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Inference;

/// <summary>The parameters of a request.</summary>
internal sealed record InferenceParameters
{
    /// <summary>Of a sequence's name.</summary>
    private const int MaxIdLength = 128;

    private const string Expected = "expected mask, low, high, tiles, sequence_id, sequence_start, sequence_end";

    /// <summary>Null: as the outputs need it.</summary>
    public MaskPolicy? Mask { get; private init; }

    public VerdictThresholds Thresholds { get; private init; }

    public TilePolicy Tiles { get; private init; }

    /// <summary>Null: none.</summary>
    public string? Sequence { get; private init; }

    public bool IsStart { get; private init; }

    public bool IsEnd { get; private init; }

    /// <param name="parameters">Values are texts, truth values, and whole or other numbers.</param>
    /// <param name="thresholds">Of a request that gives none.</param>
    /// <exception cref="InferenceException"/>
    public static InferenceParameters Of(IEnumerable<KeyValuePair<string, object?>> parameters, VerdictThresholds thresholds)
    {
        var read = new InferenceParameters { Thresholds = thresholds };
        foreach (var (name, value) in parameters)
        {
            read = name switch
            {
                "mask" => read with { Mask = PolicyOf(value) },
                "low" => read with { Thresholds = read.Thresholds with { Low = Number(name, value) } },
                "high" => read with { Thresholds = read.Thresholds with { High = Number(name, value) } },
                "sequence_id" => read with { Sequence = IdOf(value) },
                "sequence_start" => read with { IsStart = Truth(name, value) },
                "sequence_end" => read with { IsEnd = Truth(name, value) },
                "tiles" => read with { Tiles = value is string text && TileRequests.ReadPolicy(text) is { } policy ? policy : throw Wrong(name, value, TileRequests.ExpectedPolicy) },
                _ => throw InferenceException.Invalid($"parameter '{ShownText.Of(name)}' is not known here: {Expected}"),
            };
        }

        return !read.Thresholds.IsValid || read.Thresholds.High == 0
            ? throw InferenceException.Invalid(FormattableString.Invariant(
                $"low and high are {read.Thresholds.Low} and {read.Thresholds.High}, of which one may be the server's: expected 0 <= low <= high <= 1 and high above 0"))
            : read is { Sequence: null, IsStart: true } or { Sequence: null, IsEnd: true } ? throw InferenceException.Invalid("sequence_start and sequence_end need a sequence_id other than 0")
            : read;
    }

    private static MaskPolicy PolicyOf(object? value) => value switch
    {
        "always" => MaskPolicy.Always,
        "suspected" => MaskPolicy.WhenSuspected,
        "never" => MaskPolicy.Never,
        _ => throw Wrong("mask", value, "always, suspected or never"),
    };

    /// <summary>Those who cannot send numbers other than whole ones send texts.</summary>
    private static float Number(string name, object? value) => value switch
    {
        double number when double.IsFinite(number) => (float)number,
        long number => number,
        ulong number => number,
        string text when float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && float.IsFinite(number) => number,
        _ => throw Wrong(name, value, "a number"),
    };

    private static bool Truth(string name, object? value) => value is bool truth ? truth : throw Wrong(name, value, "true or false");

    /// <summary>0 and nothing are none.</summary>
    private static string? IdOf(object? value)
    {
        var id = value switch
        {
            long number => number.ToString(CultureInfo.InvariantCulture),
            ulong number => number.ToString(CultureInfo.InvariantCulture),
            string text when text.Length <= MaxIdLength => text,
            _ => throw Wrong("sequence_id", value, $"a whole number, or a text of at most {MaxIdLength} characters"),
        };
        return id is "" or "0" ? null : id;
    }

    private static InferenceException Wrong(string name, object? value, string expected) =>
        InferenceException.Invalid($"parameter '{name}' is '{ShownText.Of(Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty)}': expected {expected}");
}
