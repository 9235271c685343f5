using System.Globalization;
using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Execution.Builds;

/// <summary>Builds engines in this process and keeps them: what <c>compile</c> does.</summary>
internal sealed class EngineCompiler(ModelPackage package, EngineCache cache, RungStarter starter, TimeProvider time)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    /// <summary><see cref="ExecutionSetup.CompileAsync"/>.</summary>
    public async Task<bool> CompileAsync(PlannedRung rung, Action<CompileLine> report, CancellationToken cancellationToken)
    {
        Report(CompileLine.Working, "trying the provider");
        var examined = await starter.ExamineAsync(rung, cancellationToken).ConfigureAwait(false);
        if (examined.Error is not null)
        {
            Report(CompileLine.Failed, examined.Error);
            return false;
        }

        foreach (var device in examined.Devices)
        {
            if (device.MissingEngines is not { } key)
            {
                Report(CompileLine.Present, "its engines are there already");
                continue;
            }

            Report(CompileLine.Working, "waiting for another build on this machine");
            using (await cache.LockAsync(cancellationToken).ConfigureAwait(false))
            {
                // Whoever held the lock may have built the same.
                if (cache.Find(key) is not null)
                {
                    Report(CompileLine.Present, "its engines are there already");
                }
                else if (!await BuildAsync(device, key).ConfigureAwait(false))
                {
                    return false;
                }
            }
        }

        return true;

        void Report(string state, string message) => report(new CompileLine(rung.Provider, state, message));

        async Task<bool> BuildAsync(ExaminedDevice device, EngineCacheKey key)
        {
            var start = time.GetTimestamp();
            var staging = cache.Begin(key);
            var target = device.Target with { Options = rung.Options(package.Manifest, staging) };
            var where = target.Device.Length > 0 ? $" on {target.Device}" : string.Empty;
            try
            {
                var starting = starter.StartAsync(target, cancellationToken);
                while (await Task.WhenAny(starting, Task.Delay(ProgressInterval, time, cancellationToken)).ConfigureAwait(false) != starting)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Report(CompileLine.Working, string.Create(CultureInfo.InvariantCulture, $"building engines{where}, {Seconds(start):0} s so far"));
                }

                await (await starting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
            catch (ModelLoadException exception)
            {
                Directory.Delete(staging, recursive: true);
                Report(CompileLine.Failed, exception.Message);
                return false;
            }

            var directory = cache.Keep(key, staging);
            Report(CompileLine.Built, string.Create(CultureInfo.InvariantCulture, $"{directory} in {Seconds(start):F1} s"));
            return true;
        }
    }

    private double Seconds(long start) => time.GetElapsedTime(start).TotalSeconds;
}
