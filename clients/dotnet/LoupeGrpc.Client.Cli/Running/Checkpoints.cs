using System.Globalization;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Running;

/// <summary>The adaptation states that a run begins from and leaves behind, as files.</summary>
internal sealed class Checkpoints
{
    /// <summary>No model's state is near it: 2.4 MB for the largest known.</summary>
    private const long MaxSnapshotBytes = 256L << 20;

    private readonly OutputFile? _snapshot;
    private readonly string? _resume;

    /// <param name="snapshot">Where the state is saved at the end; null: nowhere.</param>
    /// <param name="resume">What the session begins from; null: the base parameters.</param>
    /// <exception cref="CliException">A file cannot be read, or cannot be written later.</exception>
    public Checkpoints(string? snapshot, string? resume)
    {
        _snapshot = snapshot is null ? null : OutputFile.Reserve("--snapshot", snapshot);
        _resume = resume;
        Initial = resume is null ? default : Read(resume);
    }

    /// <summary>The snapshot to open the session with. Empty: none.</summary>
    public ReadOnlyMemory<byte> Initial { get; }

    /// <summary>Whether the end of the run waits for a snapshot.</summary>
    public bool SavesAtEnd => _snapshot is not null;

    /// <summary>Whether a snapshot was to be saved and was not.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Before the first frame is sent: an hour of frames must not be spent on a state that is not the one asked for.</summary>
    /// <exception cref="CliException">The session does not begin from the snapshot, or there will be no state to save.</exception>
    public void Check(SessionGrant grant)
    {
        if (_resume is not null && Reason(grant, "adaptation_snapshot") is { } refusal)
        {
            throw CliException.Usage($"--resume {_resume}: {refusal}");
        }

        if ((_resume is not null || SavesAtEnd) && grant.Adaptation is null)
        {
            throw new CliException(
                $"the server does not adapt this session: {Reason(grant, "adaptation") ?? "it does not say why"}", ExitCode.Unavailable);
        }
    }

    /// <summary>Saves the state that the frames sent so far leave, once each of them has its outcome.</summary>
    public async Task SaveAsync(LoupeSession session, Action<string> notify)
    {
        if (_snapshot is null)
        {
            return;
        }

        try
        {
            var reply = await session.SnapshotAdaptationAsync();
            _snapshot.Write(reply.Snapshot.Span);
            notify(string.Create(CultureInfo.InvariantCulture, $"adaptation state after step {reply.Adaptation?.Step ?? 0} written to {_snapshot.Path}"));
        }
        catch (Exception error) when (error is LoupeException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            HasFailed = true;
            notify($"error: no snapshot in {_snapshot.Path}: {FileErrors.Reason(error)}");
        }
    }

    private static string? Reason(SessionGrant grant, string feature) =>
        grant.Unavailable.FirstOrDefault(missing => missing.Feature == feature)?.Reason;

    private static byte[] Read(string file)
    {
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > MaxSnapshotBytes })
            {
                throw CliException.Usage($"--resume {file}: larger than any snapshot");
            }

            var bytes = File.ReadAllBytes(file);
            return bytes.Length > 0 ? bytes : throw CliException.Usage($"--resume {file}: the file is empty");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw CliException.Usage($"--resume {file}: {error.Message}");
        }
    }
}
