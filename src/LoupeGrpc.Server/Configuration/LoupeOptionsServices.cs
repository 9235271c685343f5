using Microsoft.Extensions.Options;

namespace LoupeGrpc.Server.Configuration;

/// <summary>Options for who asks for <see cref="LoupeOptions"/> or <see cref="IOptions{TOptions}"/> of them, checked at the start.</summary>
internal static class LoupeOptionsServices
{
    /// <summary>As configured. <see cref="IStartupValidator"/> throws <see cref="OptionsValidationException"/> with everything that is wrong.</summary>
    public static IServiceCollection AddLoupeOptions(this IServiceCollection services, IConfigurationRoot configuration)
    {
        var setup = new LoupeOptionsSetup(configuration);
        services.AddSingleton<IConfigureOptions<LoupeOptions>>(setup);
        services.AddSingleton<IValidateOptions<LoupeOptions>>(setup);
        services.AddSingleton<IValidateOptions<LoupeOptions>>(new LoggingValidation(configuration));
        return services.AddLoupeOptionsItself();
    }

    /// <summary>As given: of use where they were made in code.</summary>
    public static IServiceCollection AddLoupeOptions(this IServiceCollection services, LoupeOptions options)
    {
        services.AddSingleton<IValidateOptions<LoupeOptions>, GivenOptionsValidation>();
        services.AddSingleton<IOptionsFactory<LoupeOptions>>(provider => new GivenOptions(options, provider.GetServices<IValidateOptions<LoupeOptions>>()));
        return services.AddLoupeOptionsItself();
    }

    private static IServiceCollection AddLoupeOptionsItself(this IServiceCollection services)
    {
        services.AddOptions<LoupeOptions>().ValidateOnStart();
        services.AddSingleton<LiveOptions>();
        return services.AddSingleton(static provider => provider.GetRequiredService<IOptions<LoupeOptions>>().Value);
    }

    private sealed class GivenOptions(LoupeOptions options, IEnumerable<IValidateOptions<LoupeOptions>> validations)
        : OptionsFactory<LoupeOptions>([], [], validations)
    {
        protected override LoupeOptions CreateInstance(string name) => options;
    }
}
