namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>What a report has, and what was left out of it to keep its size.</summary>
internal sealed class ReportCounts
{
    private readonly Dictionary<string, long> _kinds = [];

    /// <summary>Entries.</summary>
    public long Entries { get; private set; }

    /// <summary>Entries with pictures.</summary>
    public long Pictures { get; private set; }

    /// <summary>Bytes of the pictures as they stand in the page.</summary>
    public long PictureBytes { get; private set; }

    /// <summary>Entries whose pictures were left out.</summary>
    public long WithoutPictures { get; set; }

    /// <summary>Inputs without an entry.</summary>
    public long WithoutEntry { get; set; }

    /// <param name="kinds">Separated by spaces.</param>
    public void AddEntry(string kinds)
    {
        Entries++;
        foreach (var kind in kinds.Split(' '))
        {
            _kinds[kind] = Of(kind) + 1;
        }
    }

    public void AddPictures(long bytes)
    {
        Pictures++;
        PictureBytes += bytes;
    }

    /// <summary>Entries of a kind.</summary>
    public long Of(string kind) => _kinds.GetValueOrDefault(kind);
}
