using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Commands;

/// <summary>Takes <c>--Loupe:Name=value</c> and <c>--Loupe:Name value</c> out of the command line: any setting may stand there.</summary>
internal static class SettingArguments
{
    private const string Prefix = $"--{LoupeOptionsReader.Section}:";

    /// <returns>The settings as <c>--Name=value</c>, what is left, and what is wrong.</returns>
    public static (IReadOnlyList<string> Settings, IReadOnlyList<string> Others, string? Mistake) Extract(IReadOnlyList<string> arguments)
    {
        List<string> settings = [];
        List<string> others = [];
        string? mistake = null;
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
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
                mistake ??= $"{argument} needs a value: {argument}=VALUE";
            }
        }

        return (settings, others, mistake);
    }
}
