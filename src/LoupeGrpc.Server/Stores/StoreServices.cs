using System.Diagnostics.Metrics;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;

namespace LoupeGrpc.Server.Stores;

/// <summary>The store of sessions, where there is one.</summary>
internal static class StoreServices
{
    /// <param name="readyTag">Of the checks that say whether the server is ready.</param>
    public static IServiceCollection AddSessionStore(this IServiceCollection services, Configuration.SessionOptions options, string readyTag)
    {
        services.AddSingleton(provider => new SessionKeeping(
            provider.GetService<ISessionStore>(),
            provider.GetRequiredService<IResponseEncoding>(),
            provider.GetRequiredService<ModelRepository>(),
            options.ResumeWindow,
            provider.GetRequiredService<SessionMetrics>(),
            provider.GetRequiredService<ILogger<SessionKeeping>>()));
        services.AddHostedService<RecordRenewal>();
        if (options.Store.Length == 0)
        {
            return services;
        }

        services.AddSingleton<StoreWatch>();
        services.AddSingleton(static provider =>
        {
            var store = new RedisSessionStore(provider.GetRequiredService<LoupeOptions>().Sessions, provider.GetRequiredService<StoreWatch>(), provider.GetRequiredService<TimeProvider>());
            StoreWatch.Measure(provider.GetRequiredService<IMeterFactory>(), store);
            return store;
        });
        services.AddSingleton<ISessionStore>(static provider => provider.GetRequiredService<RedisSessionStore>());
        services.AddHostedService(static provider => provider.GetRequiredService<RedisSessionStore>());
        services.AddHealthChecks().AddCheck<StoreHealthCheck>("session store", tags: [readyTag]);
        return services;
    }
}
