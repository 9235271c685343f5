using System.Collections;
using LoupeGrpc.Server.Hosting;

namespace LoupeGrpc.Server.Commands;

/// <summary>What SIGHUP asks for: whatever stands in files is read anew, and it is said what of it holds from now on and what does not before the next start.</summary>
/// <param name="settings">Of the command line, as at the start.</param>
/// <param name="environment">As at the start.</param>
internal sealed class SettingsReload(LoadedSettings loaded, string[] settings, IDictionary environment, LoupeServer server, ILogger logger)
{
    private readonly Lock _lock = new();

    public void Run()
    {
        lock (_lock)
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
    }

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}
