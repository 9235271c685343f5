using LoupeGrpc.Engine.Configuration;
using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Options from configuration, and everything that is wrong with them there: what cannot be read, what is unknown, what is out of range.</summary>
internal sealed class LoupeOptionsSetup(IConfigurationRoot configuration) : IConfigureOptions<LoupeOptions>, IValidateOptions<LoupeOptions>
{
    public void Configure(LoupeOptions options) => SettingsBinder.Bind(configuration, options);

    public ValidateOptionsResult Validate(string? name, LoupeOptions options)
    {
        List<string> errors = [.. SettingsBinder.Bind(configuration, new LoupeOptions())];
        errors.AddRange(SettingsValidation.Validate(options, LoupeOptions.Section).Select(Describe));
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    /// <summary>With the value as it was written, and where.</summary>
    private string Describe(SettingError error) =>
        error.Settings is [var name] && ConfigurationSources.Find(configuration, name) is { } found ? $"{found.Describe(name)}: {error.Reason}." : error.ToString();
}

/// <summary>Options that somebody made in code: the same ranges hold for them.</summary>
internal sealed class GivenOptionsValidation : IValidateOptions<LoupeOptions>
{
    public ValidateOptionsResult Validate(string? name, LoupeOptions options)
    {
        string[] errors = [.. SettingsValidation.Validate(options, LoupeOptions.Section).Select(static error => error.ToString())];
        return errors.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
