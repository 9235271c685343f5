using System.Globalization;
using LoupeGrpc.Results;

namespace LoupeGrpc.Server.Explanations;

/// <summary>Sentences and numbers of one language. Immutable.</summary>
internal sealed record LanguageTexts
{
    /// <summary>By code, as <see cref="Sentence"/> has them.</summary>
    public required IReadOnlyDictionary<ExplanationCode, string> Sentences { get; init; }

    /// <summary>The nine fields, as they stand behind "it lies".</summary>
    public required IReadOnlyList<string> FieldNames { get; init; }

    /// <summary>With <c>{0}</c> for the number.</summary>
    public required string LessThan { get; init; }

    /// <summary>As <see cref="LessThan"/>.</summary>
    public required string MoreThan { get; init; }

    /// <summary>As of <see cref="double.ToString(string)"/>.</summary>
    public required string CountFormat { get; init; }

    public static LanguageTexts Of(ExplanationLanguage language) => language == ExplanationLanguage.Chinese ? ChineseTexts.All : EnglishTexts.All;

    public string Write(ExplanationCode code, IReadOnlyList<Number> numbers) =>
        Sentence.Fill(Sentences[code], name => Show(NumberKinds.All[name].Kind, ValueOf(numbers, name), numbers), name => ValueOf(numbers, name) == 1);

    private static double ValueOf(IReadOnlyList<Number> numbers, string name) => numbers.First(number => number.Name == name).Value;

    private string Show(NumberKind kind, double value, IReadOnlyList<Number> beside) => kind switch
    {
        NumberKind.Score => ShowScore(value, beside),
        NumberKind.Distance => value < 0.001 ? Text(LessThan, "0.001") : Text("0.###", value),
        NumberKind.Share => Sentence.Share(value, LessThan, MoreThan),
        NumberKind.Strength => Text("0.##", value),
        NumberKind.Factor => Text(value < 10 ? "0.#" : "0", value),
        NumberKind.Field => FieldNames[(int)value - 1],
        NumberKind.Drift => Text("0.####", value),
        _ => Text(CountFormat, value),
    };

    /// <summary>With three decimals, cut where rounding would lift it to a threshold that it does not reach.</summary>
    private string ShowScore(double value, IReadOnlyList<Number> beside)
    {
        if (value is > 0 and < 0.001)
        {
            return Text(LessThan, "0.001");
        }

        double rounded = Math.Round(value, 3);
        bool isLifted = beside.Any(other => NumberKinds.All[other.Name].Kind == NumberKind.Score && value < other.Value && rounded >= other.Value);
        return Text("0.###", isLifted ? Math.Floor(value * 1000) / 1000 : rounded);
    }

    private static string Text(string format, double value) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Text(string format, string value) => string.Format(CultureInfo.InvariantCulture, format, value);
}
