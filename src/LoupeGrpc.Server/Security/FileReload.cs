using System.Security.Cryptography;
using LoupeGrpc.Files;

namespace LoupeGrpc.Server.Security;

/// <summary>
/// Looks at the files of keys and certificates every two seconds, at what stands in them: they are small, and neither times nor events tell of a link that is
/// turned to another folder, as Kubernetes does it. What could not be taken over is tried again each time: it may be mended by what no byte of the file tells of,
/// its mode or owner or a folder on the way to it.
/// </summary>
internal sealed class FileReload(IEnumerable<IReloadable> parts, TimeProvider time, ILogger<FileReload> logger) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private const int MaxBytes = 16 << 20;

    private readonly Lock _lock = new();
    private readonly List<Watched> _parts = [.. parts.Where(static part => part.Files.Count > 0).Select(part => new Watched(part, logger))];

    /// <summary>Now, also what did not change: somebody asked, and is told again what is broken.</summary>
    public void Reload()
    {
        lock (_lock)
        {
            _parts.ForEach(static part => part.Reload(asked: true));
        }
    }

    /// <summary>What changed, or was broken.</summary>
    public void CheckNow()
    {
        lock (_lock)
        {
            _parts.ForEach(static part => part.Reload(asked: false));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_parts.Count == 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                // A file on a file system that does not answer must not hold up the stop.
                await Task.Run(CheckNow, stoppingToken).WaitAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private sealed class Watched(IReloadable part, ILogger logger)
    {
        private readonly string _names = string.Join(", ", part.Files);
        private byte[] _seen = [];
        private string? _problem;

        public void Reload(bool asked)
        {
            var now = DigestOf(part.Files);
            var isNews = asked || !now.AsSpan().SequenceEqual(_seen);
            if (!isNews && _problem is null)
            {
                return;
            }

            var before = _problem;
            _problem = part.Reload();
            _seen = now;
            if (_problem is not null && (isNews || _problem != before))
            {
                part.LogBroken(_problem);
            }
            else if (_problem is null && before is not null)
            {
                // The last word of the log must not be that it is broken.
                SecurityLog.Mended(logger, _names);
            }
        }

        private static byte[] DigestOf(IReadOnlyList<string> files)
        {
            using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var file in files)
            {
                try
                {
                    digest.AppendData(SHA256.HashData(NamedFile.Read(file, MaxBytes)));
                    // Whoever lets others write it from now on makes it one that is not taken.
                    digest.AppendData(BitConverter.GetBytes((int)FileGuard.ModeOf(file)));
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    // That it is not there, or may not be read, is a state as well.
                    digest.AppendData([0]);
                }
            }

            return digest.GetHashAndReset();
        }
    }
}
