using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Configuration;

/// <summary>The levels under <c>Logging</c>. The framework throws at a wrong one when the first line is logged.</summary>
internal sealed class LoggingValidation(IConfigurationRoot configuration) : IValidateOptions<LoupeOptions>
{
    public const string Section = "Logging";

    private const string Levels = "LogLevel";

    public ValidateOptionsResult Validate(string? name, LoupeOptions options)
    {
        var logging = configuration.GetSection(Section);
        string[] errors =
        [
            // For all, and for one provider: Logging:LogLevel:CATEGORY and Logging:Console:LogLevel:CATEGORY.
            .. logging.GetChildren().SelectMany(static provider => provider.GetChildren()).Where(static section => section.Key.Equals(Levels, StringComparison.OrdinalIgnoreCase))
                .Prepend(logging.GetSection(Levels))
                .SelectMany(static levels => levels.GetChildren())
                .Where(static category => category.Value is { Length: > 0 } level && !IsLevel(level))
                .Select(Describe),
        ];
        return errors.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static bool IsLevel(string text) => Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) && Enum.IsDefined(level);

    private string Describe(IConfigurationSection category)
    {
        var names = Enum.GetNames<LogLevel>();
        return $"{ConfigurationSources.Find(configuration, category.Path)?.Describe(category.Path)}: expected {string.Join(", ", names[..^1])} or {names[^1]} "
            + $"as the log level of category {category.Key}.";
    }
}
