namespace LoupeGrpc.Reporting;

/// <summary>What a report has at most, so that a browser can open that of a run without end.</summary>
internal sealed record ReportLimits
{
    /// <summary>Longest side of its pictures, pixels.</summary>
    public int MaxSide { get; init; } = 640;

    /// <summary>So many entries have pictures, whatever their verdict; after them only those that are suspected.</summary>
    public int Pictures { get; init; } = 200;

    /// <summary>Longest side of the pictures after these, pixels.</summary>
    public int LaterMaxSide { get; init; } = 320;

    /// <summary>Bytes of all pictures as they stand in the page. A picture that does not fit is left out.</summary>
    public long MaxPictureBytes { get; init; } = 96L << 20;

    /// <summary>So many entries there are, whatever became of them; after them only those that are suspected or failed.</summary>
    public int Entries { get; init; } = 2000;

    /// <summary>Entries in all.</summary>
    public int MaxEntries { get; init; } = 20_000;

    /// <summary>Events of a stream that are told.</summary>
    public int MaxEvents { get; init; } = 200;
}
