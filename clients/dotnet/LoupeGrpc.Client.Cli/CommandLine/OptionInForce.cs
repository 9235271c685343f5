using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>An option as it was in force, for a record that others read.</summary>
/// <param name="Name">With its dashes.</param>
/// <param name="Value">As given, or the default; without what is secret. Empty for options without a value.</param>
/// <param name="IsGiven">It stood on the command line.</param>
internal sealed record OptionInForce(string Name, string Value, bool IsGiven)
{
    /// <summary>Those of a command that were given or have a default, in the order of its help.</summary>
    public static IReadOnlyList<OptionInForce> Of(ParseResult result) =>
    [
        .. result.CommandResult.Command.Options
            .Where(static option => option is not HelpOption)
            .Select(result.GetResult)
            .OfType<OptionResult>()
            .Select(static option => new OptionInForce(
                option.Option.Name, string.Join(' ', Values(option).Select(value => ServerOptions.WithoutSecrets(option.Option.Name, value))), !option.Implicit))
            .Where(static option => option.IsGiven || option.Value.Length > 0),
    ];

    private static IEnumerable<string> Values(OptionResult option)
    {
        if (!option.Implicit)
        {
            return option.Tokens.Select(static token => token.Value);
        }

        return option.Option.HasDefaultValue && option.Option.ValueType != typeof(bool) && Convert.ToString(option.Option.GetDefaultValue(), CultureInfo.InvariantCulture) is { Length: > 0 } value
            ? [value]
            : [];
    }
}
