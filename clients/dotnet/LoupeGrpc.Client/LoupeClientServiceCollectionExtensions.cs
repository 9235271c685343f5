using LoupeGrpc.Client.Internal;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LoupeGrpc.Client;

/// <summary>
/// <see cref="LoupeClient"/> as a service. It is a singleton, since one connection is meant to be shared, and the container's own: it is disposed with it, which breaks the sessions that are
/// still open. It connects with its first call. Unless said otherwise it logs to the container's <see cref="ILoggerFactory"/> and has its <see cref="TimeProvider"/>, where there are such.
/// </summary>
public static class LoupeClientServiceCollectionExtensions
{
    /// <summary>A client of <see cref="LoupeClientOptions.DefaultAddress"/>. Where there is one already, the one that was added last is injected.</summary>
    public static IServiceCollection AddLoupeClient(this IServiceCollection services) => services.AddLoupeClient(static (options, _) => options);

    /// <inheritdoc cref="AddLoupeClient(IServiceCollection)"/>
    /// <param name="services">Gets the client.</param>
    /// <param name="configure">From the default options to those of the client: <c>options => options with { … }</c>. Called when the client is first asked for, which fails where an option is outside its range.</param>
    public static IServiceCollection AddLoupeClient(this IServiceCollection services, Func<LoupeClientOptions, LoupeClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddLoupeClient((options, _) => configure(options));
    }

    /// <inheritdoc cref="AddLoupeClient(IServiceCollection, Func{LoupeClientOptions, LoupeClientOptions})"/>
    /// <param name="services">Gets the client.</param>
    /// <param name="configure">The same, with the container's services at hand.</param>
    public static IServiceCollection AddLoupeClient(this IServiceCollection services, Func<LoupeClientOptions, IServiceProvider, LoupeClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddSingleton(provider => new LoupeClient(configure(DefaultsOf(provider), provider)));
    }

    /// <summary>
    /// A client whose options stand in the configuration, under the names of <see cref="LoupeClientOptions"/>: <c>Address</c>, <c>Key</c>, <c>Headers:NAME</c>, <c>AllowUntrustedCertificate</c>,
    /// <c>ConnectTimeout</c> and <c>KeepAlive</c> (<c>00:00:10</c>), <c>UnaryRetries</c>, <c>MaxResponseBytes</c>, <c>ClientName</c>; and as names of files <c>KeyFile</c>, and in PEM
    /// <c>CertificateAuthority</c>, <c>ClientCertificate</c> and <c>ClientCertificateKey</c> (default: in the file of <c>ClientCertificate</c>). What is not there has its default.
    /// It is read once, when the client is first asked for; that fails with all that is wrong in it, names that are none of these among it.
    /// </summary>
    /// <param name="services">Gets the client.</param>
    /// <param name="section">With nothing else in it.</param>
    /// <param name="configure">From what was read to the options of the client. Null: as they are.</param>
    public static IServiceCollection AddLoupeClient(
        this IServiceCollection services, IConfigurationSection section, Func<LoupeClientOptions, IServiceProvider, LoupeClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        return services.AddLoupeClient(Reading(section, configure));
    }

    /// <summary>
    /// One of several clients, for <c>[FromKeyedServices(key)]</c>: <inheritdoc cref="AddLoupeClient(IServiceCollection, Func{LoupeClientOptions, IServiceProvider, LoupeClientOptions})"/>
    /// </summary>
    /// <param name="services">Gets the client.</param>
    /// <param name="serviceKey">What it is asked for by.</param>
    /// <param name="configure">From the default options to those of the client, with the container's services at hand.</param>
    public static IServiceCollection AddKeyedLoupeClient(this IServiceCollection services, object serviceKey, Func<LoupeClientOptions, IServiceProvider, LoupeClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(serviceKey);
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddKeyedSingleton(serviceKey, (provider, _) => new LoupeClient(configure(DefaultsOf(provider), provider)));
    }

    /// <inheritdoc cref="AddKeyedLoupeClient(IServiceCollection, object, Func{LoupeClientOptions, IServiceProvider, LoupeClientOptions})"/>
    /// <param name="services">Gets the client.</param>
    /// <param name="serviceKey">What it is asked for by.</param>
    /// <param name="configure">From the default options to those of the client: <c>options => options with { … }</c>.</param>
    public static IServiceCollection AddKeyedLoupeClient(this IServiceCollection services, object serviceKey, Func<LoupeClientOptions, LoupeClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddKeyedLoupeClient(serviceKey, (options, _) => configure(options));
    }

    /// <summary>
    /// One of several clients, for <c>[FromKeyedServices(key)]</c>: <inheritdoc cref="AddLoupeClient(IServiceCollection, IConfigurationSection, Func{LoupeClientOptions, IServiceProvider, LoupeClientOptions})"/>
    /// </summary>
    /// <param name="services">Gets the client.</param>
    /// <param name="serviceKey">What it is asked for by.</param>
    /// <param name="section">With nothing else in it.</param>
    /// <param name="configure">From what was read to the options of the client. Null: as they are.</param>
    public static IServiceCollection AddKeyedLoupeClient(
        this IServiceCollection services, object serviceKey, IConfigurationSection section, Func<LoupeClientOptions, IServiceProvider, LoupeClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        return services.AddKeyedLoupeClient(serviceKey, Reading(section, configure));
    }

    private static Func<LoupeClientOptions, IServiceProvider, LoupeClientOptions> Reading(
        IConfigurationSection section, Func<LoupeClientOptions, IServiceProvider, LoupeClientOptions>? configure) => (options, provider) =>
        {
            var read = ConfiguredOptions.Read(section, options);
            return configure is null ? read : configure(read, provider);
        };

    private static LoupeClientOptions DefaultsOf(IServiceProvider provider) => new()
    {
        LoggerFactory = provider.GetService<ILoggerFactory>(),
        TimeProvider = provider.GetService<TimeProvider>() ?? TimeProvider.System,
    };
}
