using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Commands;

/// <summary>Takes <c>--Loupe:Name=value</c> and <c>--Loupe:Name value</c> out of the command line, and log levels (<c>--Logging:…</c>): any setting may stand there.</summary>
internal static class SettingArguments
{
    private static readonly string[] Prefixes = [$"--{LoupeOptions.Section}:", $"--{LoggingValidation.Section}:"];

    /// <returns>The settings as <c>--Name=value</c>, what is left, and what is wrong.</returns>
    public static (IReadOnlyList<string> Settings, IReadOnlyList<string> Others, string? Error) Extract(IReadOnlyList<string> arguments)
    {
        List<string> settings = [];
        List<string> others = [];
        string? error = null;
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (!Prefixes.Any(prefix => argument.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
            {
                others.Add(argument);
            }
            else if (argument.Contains('=', StringComparison.Ordinal))
            {
                settings.Add(argument);
            }
            else if (i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                settings.Add($"{argument}={arguments[++i]}");
            }
            else
            {
                error ??= $"{argument} needs a value: {argument}=VALUE";
            }
        }

        return (settings, others, error);
    }
}
