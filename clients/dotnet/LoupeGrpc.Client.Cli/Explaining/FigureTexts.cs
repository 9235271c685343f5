using System.Globalization;

namespace LoupeGrpc.Client.Cli.Explaining;

/// <summary>Sentences about evaluations in one language, and how numbers are written in it. Immutable.</summary>
internal sealed record FigureTexts
{
    /// <summary>By code, as <see cref="Sentence"/> has them.</summary>
    public required IReadOnlyDictionary<FigureCode, string> Sentences { get; init; }

    /// <summary>What stands above them.</summary>
    public required string Title { get; init; }

    /// <summary>With <c>{0}</c> for the number.</summary>
    public required string LessThan { get; init; }

    /// <summary>As <see cref="LessThan"/>.</summary>
    public required string MoreThan { get; init; }

    /// <summary>As <see cref="LessThan"/>.</summary>
    public required string Points { get; init; }

    /// <summary>As of <see cref="double.ToString(string)"/>.</summary>
    public required string CountFormat { get; init; }

    /// <param name="language">As `--explain` has it.</param>
    public static FigureTexts Of(string language) => language == "zh" ? ChineseFigureTexts.All : EnglishFigureTexts.All;

    /// <summary>All there is to say, in order.</summary>
    public IEnumerable<FigureSentence> Explain(Findings found)
    {
        foreach (var (code, look) in FigureRules.All)
        {
            if (look(found) is { } facts)
            {
                yield return new FigureSentence(code, facts, Write(code, facts));
            }
        }
    }

    public string Write(FigureCode code, IReadOnlyList<Fact> facts)
    {
        return Sentence.Fill(Sentences[code], name => Show(FactOf(name)), name => FactOf(name).Value == 1);

        Fact FactOf(string name) => facts.First(fact => fact.Name == name);
    }

    private string Show(Fact fact) => FactKinds.All[fact.Name].Kind switch
    {
        FactKind.Word => Printable.Text(fact.Word ?? ""),
        FactKind.Figure => fact.Value is > 0 and < 0.001 ? Text(LessThan, "0.001") : fact.Value.ToString("0.###", CultureInfo.InvariantCulture),
        FactKind.Share => Sentence.Share(fact.Value, LessThan, MoreThan),
        FactKind.Points => Text(Points, (fact.Value * 100).ToString(fact.Value < 0.1 ? "0.#" : "0", CultureInfo.InvariantCulture)),
        _ => fact.Value.ToString(CountFormat, CultureInfo.InvariantCulture),
    };

    private static string Text(string format, string value) => string.Format(CultureInfo.InvariantCulture, format, value);
}
