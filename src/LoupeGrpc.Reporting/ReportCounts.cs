namespace LoupeGrpc.Reporting;

/// <summary>What a report has and may have, and what was left out of it to keep its size.</summary>
internal sealed class ReportCounts(ReportLimits limits)
{
    private const string TooLarge = "No picture: see “How large this report may be”.";

    private readonly Dictionary<string, long> _kinds = [];

    public ReportLimits Limits => limits;

    /// <summary>Entries.</summary>
    public long Entries { get; private set; }

    /// <summary>Entries with pictures.</summary>
    public long Pictures { get; private set; }

    /// <summary>Bytes of the pictures as they stand in the page.</summary>
    public long PictureBytes { get; private set; }

    /// <summary>Entries whose pictures were left out.</summary>
    public long WithoutPictures { get; private set; }

    /// <summary>Inputs without an entry.</summary>
    public long WithoutEntry { get; private set; }

    /// <summary>Whether there is room for one more entry; where there is none it is counted as left out.</summary>
    /// <param name="isKept">It is suspected, or failed.</param>
    public bool HasRoom(bool isKept)
    {
        if (Entries < (isKept ? limits.MaxEntries : Math.Min(limits.Entries, limits.MaxEntries)))
        {
            return true;
        }

        WithoutEntry++;
        return false;
    }

    /// <summary>The pictures of an entry, where there is room for them.</summary>
    /// <param name="isSuspected">Its verdict.</param>
    /// <param name="draw">Draws them with at most so many pixels a side; null where nobody can.</param>
    /// <returns>Null with what is said in their place.</returns>
    public (ReportPictures? Pictures, string WhyNone) TakePictures(bool isSuspected, Func<int, ReportPictures?> draw)
    {
        var isEarly = Pictures < limits.Pictures;
        if (!isEarly && !isSuspected)
        {
            WithoutPictures++;
            return (null, TooLarge);
        }

        if (draw(isEarly ? limits.MaxSide : limits.LaterMaxSide) is not { } pictures)
        {
            return (null, "No picture: this program cannot show what the server analysed.");
        }

        if (PictureBytes + pictures.Bytes > limits.MaxPictureBytes)
        {
            WithoutPictures++;
            return (null, TooLarge);
        }

        Pictures++;
        PictureBytes += pictures.Bytes;
        return (pictures, "");
    }

    /// <param name="kinds">Separated by spaces.</param>
    public void AddEntry(string kinds)
    {
        Entries++;
        foreach (var kind in kinds.Split(' '))
        {
            _kinds[kind] = Of(kind) + 1;
        }
    }

    /// <summary>Entries of a kind.</summary>
    public long Of(string kind) => _kinds.GetValueOrDefault(kind);
}
