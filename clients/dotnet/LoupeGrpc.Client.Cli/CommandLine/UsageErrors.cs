using System.CommandLine;
using System.CommandLine.Parsing;
using LoupeGrpc.Launch;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>What is wrong with a command line, with the word that was probably meant.</summary>
internal static class UsageErrors
{
    /// <returns>None: it can be run.</returns>
    public static IReadOnlyList<string> Of(ParseResult parsed)
    {
        string[] options = [.. OptionsAmongPaths(parsed)];
        return
        [
            .. options.Select(word => $"'{word}' is not an option, and no file has this name.{WordSuggestion.For(parsed, word)}"),
            .. parsed.Errors.Select(error => $"{error.Message}{WordSuggestion.ForProblem(parsed, error.Message)}"),
        ];
    }

    /// <summary>A misspelled option is a path to the parser, and so would be its value; behind <c>--</c> everything is one.</summary>
    private static IEnumerable<string> OptionsAmongPaths(ParseResult parsed)
    {
        var behindDashes = parsed.Tokens.SkipWhile(static token => token.Type != TokenType.DoubleDash).Skip(1).Count();
        return parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(static argument => argument.Tokens)
            .Select(static token => token.Value)
            .SkipLast(behindDashes)
            .Where(static word => word.Length > 1 && word[0] == '-' && !word.Contains('*', StringComparison.Ordinal) && !Path.Exists(word));
    }
}
