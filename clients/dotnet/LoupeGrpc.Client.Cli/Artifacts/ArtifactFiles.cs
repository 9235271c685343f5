using System.Globalization;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>
/// The files a run leaves beside its results: overlays, masks, the form of Loupe's authors. What cannot be written costs itself alone: the run goes on,
/// and says so at its end.
/// </summary>
internal sealed class ArtifactFiles : IDisposable
{
    /// <summary>A full disk fails every file; so many are told one by one.</summary>
    private const int MaxTold = 3;

    private readonly ArtifactNames _names = new();
    private readonly OverlayFiles? _overlays;
    private readonly ArtifactFolder? _masks;
    private readonly LoupeExport? _export;
    private readonly Action<string> _notify;
    private long _failed;

    /// <exception cref="CliException">A folder cannot be made, or OpenCV is needed and not there.</exception>
    public ArtifactFiles(AnalysisOptions options, Action<string> notify)
    {
        _notify = notify;
        try
        {
            _overlays = options.SaveOverlays ? new OverlayFiles(Path.Combine(options.Output, "overlays"), options.SideBySide, notify) : null;
            _masks = options.SaveMasks ? new ArtifactFolder(Path.Combine(options.Output, "masks")) : null;
            _export = options.ExportLoupe is { } folder ? new LoupeExport(folder) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"nothing can be written there: {error.Message}");
        }
    }

    /// <summary>Whether pictures are needed again when their outcome is there.</summary>
    public bool NeedsFrames => _overlays is not null;

    /// <summary>Whether files are missing that were asked for.</summary>
    public bool HasFailed => _failed > 0;

    /// <summary>Whether a demonstration model is at work, which overlays show.</summary>
    public bool IsDemonstration { private get; set; }

    /// <summary>For the summary: where files were written, and whether some were not.</summary>
    public IEnumerable<string> Lines()
    {
        if (_failed > MaxTold)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"error: {_failed} files could not be written");
        }

        foreach (var (folder, what, written) in new[]
        {
            (_overlays?.Folder, "overlay", _overlays?.Written), (_masks?.Path, "mask", _masks?.Written), (_export?.Folder, "picture", _export?.Written),
        })
        {
            if (written > 0)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{written} {what}{(written > 1 ? "s" : "")} written to {folder}");
            }
        }
    }

    /// <summary>Writes the files of a row, and removes those of an earlier run that it does not have.</summary>
    /// <returns>The row with the files' names.</returns>
    public OutcomeRow Save(OutcomeRow row)
    {
        if ((_overlays is null && _masks is null && _export is null) || NameOf(row.Item) is not { } name)
        {
            return row;
        }

        if (row.Outcome is not LoupeResult { Result: var result })
        {
            Attempt(() => _overlays?.Remove(name.Stem));
            Attempt(() => _masks?.Remove(name.Stem));
            Attempt(() => _export?.Remove(name));
            return row;
        }

        var mask = ResultMask.Of(result);
        string? maskFile = null, exported = null, overlay = null;
        Attempt(() => overlay = _overlays?.Save(name.Stem, row.Frame, result, mask, IsDemonstration));
        Attempt(() =>
        {
            if (mask is null)
            {
                _masks?.Remove(name.Stem);
            }
            else
            {
                maskFile = _masks?.Save(name.Stem, stream => GrayPng.Write(stream, mask));
            }
        });
        Attempt(() => exported = _export?.Save(name, result, mask));
        return row with { OverlayFile = overlay, MaskFile = _masks is null ? exported : maskFile };
    }

    /// <summary>Whether the files that an earlier run made of an input are those that this one would make, and are there.</summary>
    public bool Has(SourceItem item, DoneInput done)
    {
        if (_overlays is null && _masks is null && _export is null)
        {
            return true;
        }

        return NameOf(item) is { } name
            && IsThere(done.OverlayFile, _overlays?.FileOf(name.Stem))
            && IsThere(_masks is null ? null : done.MaskFile, _masks?.FileOf(name.Stem))
            && (_export is null || File.Exists(_export.MaskOf(name)));
    }

    /// <summary>Lets an input of an earlier run take part in what is only whole at the end.</summary>
    public void Keep(SourceItem item, DoneInput done) => Attempt(() => _export?.Keep(NameOf(item)!, done.Score));

    /// <summary>Puts in its place what is only whole at the end of a run.</summary>
    public void Complete() => Attempt(() => _export?.Complete());

    public void Dispose() => _export?.Dispose();

    private static bool IsThere(string? file, string? expected) => file is null || (file == expected && File.Exists(file));

    /// <returns>Null for what is not a file or a frame by itself, such as a folder that cannot be read.</returns>
    private ArtifactName? NameOf(SourceItem item)
    {
        if (item.ArtifactName is not null || item.Name.Length == 0)
        {
            return item.ArtifactName;
        }

        var (stem, extension) = _names.Assign(item.Name);
        return new ArtifactName($"{stem}{extension}", stem);
    }

    private void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (++_failed <= MaxTold)
            {
                _notify($"error: {error.Message}");
            }
        }
    }
}
