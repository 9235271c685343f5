using System.CommandLine;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>The option that says in which language results are explained, as the parser knows it.</summary>
internal sealed class ExplainOption
{
    private readonly Option<string?> _explain = new Option<string?>("--explain")
    {
        HelpName = "en|zh|off",
    }.AcceptOnlyFromAmong("en", "zh", "off");

    private readonly bool _inJson;

    /// <param name="inJson">Whether lines of JSON have sentences where nothing is said.</param>
    public ExplainOption(bool inJson)
    {
        _inJson = inJson;
        _explain.Description = "Explain each result in sentences, in English or Chinese: what was found, where, how sure that is, and what could not be judged. "
            + $"[default: {(inJson ? "en with --format jsonl, else off" : "off")}; en in a --report]";
    }

    public void AddTo(Command command) => command.Options.Add(_explain);

    /// <returns>The language; empty: none.</returns>
    public string Read(ParseResult result, OutputFormat format) => result.GetValue(_explain) switch
    {
        null => _inJson && format == OutputFormat.Jsonl ? "en" : "",
        "off" => "",
        var language => language,
    };

    /// <returns>The language of a report's sentences: English where nothing is said; empty: none.</returns>
    public string ReadForReport(ParseResult result) => result.GetValue(_explain) switch
    {
        null => "en",
        "off" => "",
        var language => language,
    };
}
