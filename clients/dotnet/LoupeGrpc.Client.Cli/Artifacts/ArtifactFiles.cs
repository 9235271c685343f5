using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Output;

namespace LoupeGrpc.Client.Cli.Artifacts;

/// <summary>The files a run leaves beside its results: overlays, masks, the form of Loupe's authors.</summary>
internal sealed class ArtifactFiles : IOutcomeSink, IDisposable
{
    private readonly ArtifactNames _names = new();
    private readonly OverlayFiles? _overlays;
    private readonly MaskFiles? _masks;
    private readonly LoupeExport? _export;

    /// <exception cref="CliException">A folder cannot be made, or OpenCV is needed and not there.</exception>
    public ArtifactFiles(AnalysisOptions options, Action<string> notify)
    {
        try
        {
            _overlays = options.SaveOverlays ? new OverlayFiles(Path.Combine(options.Output, "overlays"), notify) : null;
            _masks = options.SaveMasks ? new MaskFiles(Path.Combine(options.Output, "masks")) : null;
            _export = options.ExportLoupe is { } folder ? new LoupeExport(folder) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"cannot write there: {error.Message}");
        }
    }

    /// <summary>Whether pictures are needed again when their outcome is there.</summary>
    public bool NeedsFrames => _overlays is not null;

    /// <summary>Where files were written, for the summary.</summary>
    public IEnumerable<string> Folders => new[] { _overlays?.Folder, _masks?.Folder, _export?.Folder }.OfType<string>();

    public void Write(OutcomeRow row)
    {
        if (row.Outcome is not LoupeResult { Result: var result } || (_overlays is null && _masks is null && _export is null))
        {
            return;
        }

        var (stem, extension) = _names.Assign(row.Item.Name);
        var mask = ResultMask.Of(result);
        _overlays?.Save(stem, row.Frame, result, mask);
        _masks?.Save(stem, mask);
        _export?.Save(stem, extension, result, mask);
    }

    public void Dispose() => _export?.Dispose();
}
