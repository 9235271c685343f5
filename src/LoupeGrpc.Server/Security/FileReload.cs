using System.Security.Cryptography;

namespace LoupeGrpc.Server.Security;

/// <summary>
/// Looks at the files of keys and certificates every two seconds, at what stands in them: they are small, and neither times nor events tell of a link that is
/// turned to another folder, as Kubernetes does it.
/// </summary>
internal sealed class FileReload(IEnumerable<IReloadable> parts, TimeProvider time) : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private const int MaxBytes = 16 << 20;

    private readonly Lock _lock = new();
    private readonly List<(IReloadable Part, byte[] Seen)> _parts = [.. parts.Where(static part => part.Files.Count > 0).Select(static part => (part, Array.Empty<byte>()))];

    /// <summary>Now.</summary>
    public void CheckNow()
    {
        lock (_lock)
        {
            foreach (var (index, (part, seen)) in _parts.Index().ToList())
            {
                var now = DigestOf(part.Files);
                if (!now.AsSpan().SequenceEqual(seen))
                {
                    _parts[index] = (part, now);
                    part.Reload();
                }
            }
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
                CheckNow();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private static byte[] DigestOf(IReadOnlyList<string> files)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            try
            {
                digest.AppendData(SHA256.HashData(SmallFile.Read(file, MaxBytes)));
                // Whoever was told that others may write it mends that alone.
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
