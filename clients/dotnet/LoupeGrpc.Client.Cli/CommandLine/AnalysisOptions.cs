using LoupeGrpc.Client.Cli.Events;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.CommandLine;

/// <summary>What `analyze` and `stream` have in common, as given.</summary>
internal sealed record AnalysisOptions
{
    /// <summary>How the server is reached.</summary>
    public required LoupeClientOptions Server { get; init; }

    /// <summary>A server is started for the run, and <see cref="Server"/>'s address is not used.</summary>
    public bool Serve { get; init; }

    public required OutputFormat Format { get; init; }

    public required MaskPolicy Mask { get; init; }

    /// <summary>Null: pictures are looked at whole.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>Where receipts go; null: none are asked for.</summary>
    public string? Receipts { get; init; }

    /// <summary>Language in which results are explained; empty: they are not.</summary>
    public required string Explain { get; init; }

    /// <summary>Null: the server's.</summary>
    public required Thresholds? Thresholds { get; init; }

    /// <summary>Empty: the server's first.</summary>
    public required string Model { get; init; }

    /// <summary>Where overlays and masks go.</summary>
    public required string Output { get; init; }

    public required bool SaveOverlays { get; init; }

    /// <summary>Overlays have the picture as it is beside them.</summary>
    public required bool SideBySide { get; init; }

    public required bool SaveMasks { get; init; }

    /// <summary>Where `predictions.txt` and `masks/` go; null: nowhere.</summary>
    public required string? ExportLoupe { get; init; }

    /// <summary>The page that is written at the end; null: none.</summary>
    public string? Report { get; init; }

    /// <summary>Language of its sentences, whatever <see cref="Explain"/> is; empty: none.</summary>
    public string ReportExplain { get; init; } = "";

    /// <summary>What was asked for on the command line, for the page.</summary>
    public IReadOnlyList<OptionInForce> InForce { get; init; } = [];

    /// <summary>Inputs that an earlier run with the same output has analysed are passed over.</summary>
    public bool SkipDone { get; init; }

    /// <summary>Who is told what was found; null: nobody.</summary>
    public EventOptions? Events { get; init; }
}
