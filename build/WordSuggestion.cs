using System.CommandLine;

namespace LoupeGrpc.Launch;

/// <summary>The end of a message about a word that a command line has no place for: the command or option that it is nearly. Compiled into each program.</summary>
internal static class WordSuggestion
{
    /// <returns>Empty where nothing is near.</returns>
    public static string For(ParseResult parsed, string word)
    {
        var command = parsed.CommandResult.Command;
        var names = command.Subcommands.Where(static verb => !verb.Hidden).Select(static verb => verb.Name).Concat(command.Options.Select(static option => option.Name));
        return NearestName.Of(word.Split('=')[0], names) is { } near ? $" Did you mean {near}?" : string.Empty;
    }

    /// <param name="problem">The parser's, which quotes the word.</param>
    /// <inheritdoc cref="For"/>
    public static string ForProblem(ParseResult parsed, string problem) =>
        parsed.UnmatchedTokens.FirstOrDefault(token => problem.Contains($"'{token}'", StringComparison.Ordinal)) is { } word ? For(parsed, word) : string.Empty;
}
