using System.Buffers.Binary;
using System.Text;

namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// HEIC and AVIF (ISO/IEC 23008-12): what the boxes in front of the data say of the primary picture. What is no still picture of these, or has no readable
/// boxes, is not for here.
/// </summary>
internal static class HeifFiles
{
    private const int MostItems = 4096;

    public static FrameFailure Unavailable(ImageKind kind, string? why) => new(
        FailureKind.Unsupported,
        $"{kind.Name()} is decoded with libheif, which is not available here ({why}); install it (Debian: apt-get install libheif1), or convert the picture to {ForeignFormats.Accepted}.");

    /// <returns>Null where the file is not a still picture in HEVC or AV1 whose size can be read.</returns>
    public static ImageHeader? Read(ReadOnlySpan<byte> data)
    {
        if (KindOf(data) is not { } kind || !HeifBox.TryFind(data, "meta"u8, out var meta) || meta.Length < 4)
        {
            return null;
        }

        var boxes = meta[4..];
        if (!TryReadPrimary(boxes, out uint primary) || !HeifBox.TryFind(boxes, "iprp"u8, out var properties)
            || !HeifBox.TryFind(properties, "ipco"u8, out var container) || !HeifBox.TryFind(properties, "ipma"u8, out var associations))
        {
            return null;
        }

        var header = new ImageHeader(kind, 0, 0) { Color = ColorModel.YCbCr };
        var turn = new HeifOrientation();
        foreach (int index in PropertiesOf(associations, primary))
        {
            if (!HeifBox.TryGet(container, index, out var name, out var property))
            {
                continue;
            }

            if (name.SequenceEqual("ispe"u8) && property.Length >= 12)
            {
                header = header with { Width = BinaryPrimitives.ReadUInt32BigEndian(property[4..]), Height = BinaryPrimitives.ReadUInt32BigEndian(property[8..]) };
            }
            else if (name.SequenceEqual("pixi"u8) && property.Length >= 6)
            {
                header = header with { BitDepth = Math.Max((int)property[5], header.BitDepth) };
            }
            else if (name.SequenceEqual("irot"u8) && property.Length >= 1)
            {
                turn = turn.Rotated(property[0] & 3);
            }
            else if (name.SequenceEqual("imir"u8) && property.Length >= 1)
            {
                turn = turn.Mirrored((property[0] & 1) != 0);
            }
        }

        if (header.Width == 0 || header.Height == 0)
        {
            return null;
        }

        var references = HeifBox.TryFind(boxes, "iref"u8, out var found) ? found : default;
        return header with
        {
            Orientation = turn.Exif,
            HasAlpha = HasAlpha(references, associations, container, primary),
            Frames = CountPictures(boxes, references),
        };
    }

    /// <summary>Of the brands, the first that names a coding: the major one may say only that it is a picture.</summary>
    private static ImageKind? KindOf(ReadOnlySpan<byte> data)
    {
        if (!HeifBox.TryFind(data, "ftyp"u8, out var brands))
        {
            return null;
        }

        for (int i = 0; i + 4 <= brands.Length; i += 4)
        {
            // Between the major brand and the others is a version.
            var brand = brands.Slice(i, 4);
            if (i != 4 && brand.SequenceEqual("avif"u8))
            {
                return ImageKind.Avif;
            }

            if (i != 4 && (brand.SequenceEqual("heic"u8) || brand.SequenceEqual("heix"u8) || brand.SequenceEqual("heim"u8) || brand.SequenceEqual("heis"u8)))
            {
                return ImageKind.Heic;
            }
        }

        return null;
    }

    private static bool TryReadPrimary(ReadOnlySpan<byte> boxes, out uint item)
    {
        item = 0;
        return HeifBox.TryFind(boxes, "pitm"u8, out var box) && box.Length >= 6 && HeifBox.TryReadId(box[4..], isLong: box[0] > 0, out item, out _);
    }

    /// <summary>Numbers of an item's properties, in the order in which they apply, from 1.</summary>
    private static List<int> PropertiesOf(ReadOnlySpan<byte> associations, uint wanted)
    {
        List<int> properties = [];
        if (associations.Length < 8)
        {
            return properties;
        }

        bool longIds = associations[0] > 0;
        bool longIndices = (associations[3] & 1) != 0;
        uint count = Math.Min(BinaryPrimitives.ReadUInt32BigEndian(associations[4..]), MostItems);
        var rest = associations[8..];
        for (uint i = 0; i < count && HeifBox.TryReadId(rest, longIds, out uint item, out rest) && !rest.IsEmpty; i++)
        {
            int number = rest[0];
            int length = number * (longIndices ? 2 : 1);
            rest = rest[1..];
            if (length > rest.Length)
            {
                break;
            }

            for (int k = 0; item == wanted && k < number; k++)
            {
                properties.Add(longIndices ? BinaryPrimitives.ReadUInt16BigEndian(rest[(2 * k)..]) & 0x7FFF : rest[k] & 0x7F);
            }

            rest = rest[length..];
        }

        return properties;
    }

    /// <summary>Whether an auxiliary picture of this one says that it is its alpha.</summary>
    private static bool HasAlpha(ReadOnlySpan<byte> references, ReadOnlySpan<byte> associations, ReadOnlySpan<byte> container, uint primary)
    {
        foreach (var (_, from, _) in HeifBox.References(references).Where(reference => reference.Kind == "auxl" && reference.To == primary))
        {
            foreach (int index in PropertiesOf(associations, from))
            {
                if (HeifBox.TryGet(container, index, out var name, out var property) && name.SequenceEqual("auxC"u8)
                    && Encoding.ASCII.GetString(property).Split('\0') is var parts && parts.Any(static part => part.EndsWith(":alpha", StringComparison.Ordinal) || part.EndsWith("auxid:1", StringComparison.Ordinal)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Pictures that are neither hidden nor thumbnails, alphas or tiles of others.</summary>
    private static int CountPictures(ReadOnlySpan<byte> boxes, ReadOnlySpan<byte> references)
    {
        if (!HeifBox.TryFind(boxes, "iinf"u8, out var items) || items.Length < 6)
        {
            return 1;
        }

        var parts = new HashSet<uint>();
        foreach (var (kind, from, to) in HeifBox.References(references))
        {
            if (kind is "thmb" or "auxl")
            {
                parts.Add(from);
            }
            else if (kind == "dimg")
            {
                parts.Add(to);
            }
        }

        int pictures = 0;
        var entries = items[(items[0] > 0 ? 8 : 6)..];
        for (int i = 1; i <= MostItems && HeifBox.TryGet(entries, i, out var name, out var entry); i++)
        {
            // Version, flags of which the lowest hides it, id, protection, type.
            if (name.SequenceEqual("infe"u8) && entry.Length >= 12 && entry[0] is 2 or 3 && (entry[3] & 1) == 0
                && HeifBox.TryReadId(entry[4..], isLong: entry[0] == 3, out uint id, out var rest) && rest.Length >= 6 && !parts.Contains(id)
                && Encoding.ASCII.GetString(rest.Slice(2, 4)) is "hvc1" or "av01" or "grid" or "iden" or "iovl")
            {
                pictures++;
            }
        }

        return Math.Max(1, pictures);
    }
}
