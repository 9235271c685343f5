namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// Which of a TIFF's directories describes the picture. Cameras and some programs put a preview first, and the full picture into a directory below it
/// (SubIFDs) or further down the chain.
/// </summary>
internal ref struct TiffPages
{
    private const ushort NewSubfileTypeTag = 254;
    private const ushort OldSubfileTypeTag = 255;
    private const ushort WidthTag = 256;
    private const ushort HeightTag = 257;
    private const ushort PhotometricTag = 262;
    private const ushort SubDirectoriesTag = 330;
    private const uint Reduced = 1;
    private const uint Mask = 4;
    private const uint OldReduced = 2;

    // Above it the number no longer matters to anybody, and the chain may be a trap.
    private const int MostPages = 4096;

    // Below the first pages only, and a few each: enough for every camera.
    private const int MostParents = 16;
    private const int MostSubDirectories = 16;

    private readonly ByteView _file;
    private long _largest;

    private TiffPages(ByteView file) => _file = file;

    /// <summary>Pages that are neither reduced nor masks of others.</summary>
    public int Count { get; private set; }

    /// <summary>The first page is a reduced version of another.</summary>
    public bool FirstIsReduced { get; private set; }

    /// <summary>Offset of the largest directory that is not reduced and not the first; 0: there is none.</summary>
    public uint Full { get; private set; }

    /// <summary>Somewhere are a sensor's samples.</summary>
    public bool HasSensorData { get; private set; }

    /// <summary>A full picture that is larger than the first page and says expressly that it is full.</summary>
    public bool HasLargerBelow { get; private set; }

    public static TiffPages Read(ByteView file, uint first)
    {
        var pages = new TiffPages(file);
        var seen = new HashSet<uint>();
        long firstArea = 0;
        uint offset = first;
        for (int i = 0; i < MostPages && offset != 0 && seen.Add(offset) && TiffDirectory.TryRead(file, offset, out var page); i++)
        {
            bool reduced = IsReduced(page, out bool isMask);
            if (!reduced && !isMask)
            {
                pages.Count++;
            }

            if (i == 0)
            {
                pages.FirstIsReduced = reduced;
                firstArea = AreaOf(page);
                pages.HasSensorData |= CameraRaw.IsSensorData(page.ValueOr(PhotometricTag, 0));
            }
            else
            {
                pages.Consider(page, offset);
            }

            if (i < MostParents && page.TryGetAll(SubDirectoriesTag, out var children))
            {
                pages.ConsiderBelow(children, seen, i == 0 ? firstArea : long.MaxValue);
            }

            offset = page.Next;
        }

        return pages;
    }

    private static bool IsReduced(TiffDirectory page, out bool isMask)
    {
        isMask = false;
        if (page.TryGet(NewSubfileTypeTag, out uint type))
        {
            isMask = (type & Mask) != 0;
            return (type & Reduced) != 0;
        }

        return page.ValueOr(OldSubfileTypeTag, 0) == OldReduced;
    }

    private static long AreaOf(TiffDirectory page) => (long)Math.Min(page.ValueOr(WidthTag, 0), int.MaxValue) * Math.Min(page.ValueOr(HeightTag, 0), int.MaxValue);

    private void ConsiderBelow(TiffValues children, HashSet<uint> seen, long areaAbove)
    {
        for (int i = 0; i < MostSubDirectories && children.TryGet(i, out uint offset); i++)
        {
            if (!seen.Add(offset) || !TiffDirectory.TryRead(_file, offset, out var child))
            {
                continue;
            }

            Consider(child, offset);
            HasLargerBelow |= child.TryGet(NewSubfileTypeTag, out uint type) && type == 0 && AreaOf(child) > areaAbove;
        }
    }

    private void Consider(TiffDirectory page, uint offset)
    {
        bool sensor = CameraRaw.IsSensorData(page.ValueOr(PhotometricTag, 0));
        HasSensorData |= sensor;
        if (!sensor && !IsReduced(page, out bool isMask) && !isMask && AreaOf(page) > _largest)
        {
            _largest = AreaOf(page);
            Full = offset;
        }
    }
}
