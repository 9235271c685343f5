namespace LoupeGrpc.Engine.Imaging;

/// <summary>What an analyst should know about how a picture was read.</summary>
internal static class ImageNotes
{
    // Beyond these the picture and what the model sees are different things.
    private const int MostReduction = 4;
    private const int MostEnlargement = 2;

    /// <param name="notes">Appended to.</param>
    public static void AddFileNotes(List<ImageNote> notes, ImageHeader header)
    {
        if (header.Frames > 1)
        {
            string parts = header.Kind switch { ImageKind.Tiff => "pages", ImageKind.Jpeg => "pictures", _ => "frames" };
            notes.Add(new ImageNote(ImageNoteKind.FirstFrameOnly, $"The {header.Kind.Name()} has {header.Frames} {parts}; the first was analysed."));
        }

        if (header.Preview is { } preview)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.PreviewOnly,
                $"The {header.Kind.Name()}'s first picture is only a preview of {preview} pixels; the full picture of {header.Width}x{header.Height} was analysed."));
        }

        if (header.BitDepth > 8)
        {
            notes.Add(new ImageNote(ImageNoteKind.BitDepthReduced, $"Its {header.BitDepth} bits a sample were reduced to their high 8 bits."));
        }

        if (header.HasAlpha)
        {
            AddAlphaNote(notes);
        }

        if (header.Orientation != 1)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.OrientationNotApplied,
                $"The file asks viewers to turn the picture (EXIF orientation {header.Orientation}). It was analysed as stored; mask and boxes are in stored pixels too."));
        }

        if (header.Software is { } software)
        {
            notes.Add(new ImageNote(ImageNoteKind.Software, $"The file names the program that wrote it: {software}."));
        }

        if (header.Color == ColorModel.Cmyk)
        {
            notes.Add(new ImageNote(ImageNoteKind.CmykConverted, "CMYK was converted to RGB without a colour profile."));
        }
    }

    /// <param name="opensVerdict">The verdict is uncertain for it.</param>
    public static void AddDamageNote(List<ImageNote> notes, ImageHeader header, string damage, bool opensVerdict) =>
        notes.Add(new ImageNote(
            ImageNoteKind.Damaged,
            $"The {header.Kind.Name()} is damaged: {damage}. Part of what was analysed is guesswork"
            + (opensVerdict ? ", so the verdict is UNCERTAIN whatever the score (Loupe:Imaging:Damaged)." : ".")));

    public static void AddAlphaNote(List<ImageNote> notes) =>
        notes.Add(new ImageNote(ImageNoteKind.AlphaDropped, "Transparency was ignored; colours were taken as stored."));

    /// <param name="imageSize">Side of the model's input in pixels.</param>
    public static void AddScaleNote(List<ImageNote> notes, int width, int height, int imageSize)
    {
        int smaller = Math.Min(width, height);
        int larger = Math.Max(width, height);
        if ((long)smaller * MostEnlargement < imageSize)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.Scaled,
                $"The picture's {width}x{height} pixels were enlarged to the model's {imageSize}x{imageSize}: there may be too little in them to tell."));
        }
        else if (larger > (long)imageSize * MostReduction)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.Scaled,
                $"The picture's {width}x{height} pixels were reduced to the model's {imageSize}x{imageSize}: traces only a few pixels wide may be lost."));
        }
    }
}
