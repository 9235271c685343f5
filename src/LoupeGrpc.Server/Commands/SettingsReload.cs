using System.Collections;
using LoupeGrpc.Server.Hosting;

namespace LoupeGrpc.Server.Commands;

/// <summary>What SIGHUP asks for: whatever stands in files is read anew, and it is said what of it holds from now on and what does not before the next start.</summary>
/// <param name="settings">Of the command line, as at the start.</param>
/// <param name="environment">As at the start.</param>
internal sealed class SettingsReload(LoadedSettings loaded, string[] settings, IDictionary environment, LoupeServer server, ILogger logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>One at a time, in the order in which they were asked for. Does not throw: a signal has nobody to tell.</summary>
    public async Task RunAsync()
    {
        var stop = _stopping.Token;
        try
        {
            await _one.WaitAsync(stop).ConfigureAwait(false);
            try
            {
                // A file on a file system that does not answer holds up its own reader, not the stop.
                await Task.Run(ReadAnew, stop).WaitAsync(stop).ConfigureAwait(false);
                await server.ReloadModelsAsync(stop).ConfigureAwait(false);
            }
            finally
            {
                _one.Release();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The server stops.
        }
#pragma warning disable CA1031 // Whatever it is, the server serves on as it was.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ServeLog.ReloadFailed(logger, exception);
        }
    }

    /// <summary>Gives up a model that is being loaded. Nothing may be asked for any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _one.WaitAsync().ConfigureAwait(false);
        _one.Dispose();
        _stopping.Dispose();
    }

    private void ReadAnew()
    {
        var (read, errors) = LoadedSettings.Read(settings, environment, listens: true);
        if (errors.Count > 0)
        {
            var reasons = string.Join(' ', errors);
            ServeLog.SettingsBroken(logger, reasons);
        }
        else
        {
            var (taken, later) = server.Replace(read.Options);
            var changed = List([.. taken, .. loaded.LogLevelDifferences(read)]);
            ServeLog.SettingsReloaded(logger, changed);
            if (later.Count > 0)
            {
                var waiting = List(later);
                ServeLog.SettingsLater(logger, waiting);
            }

            // Last: they may silence these lines.
            try
            {
                loaded.ReloadLogLevels();
            }
            catch (InvalidDataException exception)
            {
                // The file was whole a moment ago; somebody is writing it.
                ServeLog.SettingsBroken(logger, exception.Message);
            }
        }

        server.Reload();
    }

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}
