namespace LoupeGrpc.Server.Commands;

/// <summary>One queue of log lines for the whole process. Disposing writes what is in it, for a second or two at most.</summary>
internal sealed class ServerLogging(LoadedSettings settings) : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddLogging(settings.AddLogging).BuildServiceProvider();

    public ILoggerFactory Loggers => _services.GetRequiredService<ILoggerFactory>();

    /// <summary>For a host: it logs through the same queue and leaves it alone at its end.</summary>
    public void AddTo(ILoggingBuilder logging)
    {
        settings.AddLogLevels(logging);
        foreach (var provider in _services.GetServices<ILoggerProvider>())
        {
            logging.AddProvider(provider);
        }
    }

    public void Dispose() => _services.Dispose();
}
