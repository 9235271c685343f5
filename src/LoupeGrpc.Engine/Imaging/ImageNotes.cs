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
            string parts = header.Kind == ImageKind.Tiff ? "pages" : "frames";
            notes.Add(new ImageNote(ImageNoteKind.FirstFrameOnly, $"The {header.Kind.Name()} has {header.Frames} {parts}; the first was analysed."));
        }

        if (header.BitDepth > 8)
        {
            notes.Add(new ImageNote(ImageNoteKind.BitDepthReduced, $"{header.BitDepth} bits a sample were reduced to their high 8 bits."));
        }

        if (header.HasAlpha)
        {
            AddAlphaNote(notes);
        }

        if (header.Orientation != 1)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.OrientationNotApplied,
                $"The file asks viewers to turn it (orientation {header.Orientation}); it was analysed as stored, and mask and boxes are too."));
        }

        if (header.Color == ColorModel.Cmyk)
        {
            notes.Add(new ImageNote(ImageNoteKind.CmykConverted, "CMYK was converted to RGB without a colour profile."));
        }
    }

    public static void AddAlphaNote(List<ImageNote> notes) =>
        notes.Add(new ImageNote(ImageNoteKind.AlphaDropped, "Transparency was ignored; colours count as stored."));

    /// <param name="imageSize">Side of the model's input in pixels.</param>
    public static void AddScaleNote(List<ImageNote> notes, int width, int height, int imageSize)
    {
        int smaller = Math.Min(width, height);
        int larger = Math.Max(width, height);
        if ((long)smaller * MostEnlargement < imageSize)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.Scaled,
                $"{width}x{height} pixels were enlarged to the model's {imageSize}x{imageSize}: there may be too little in them to tell."));
        }
        else if (larger > (long)imageSize * MostReduction)
        {
            notes.Add(new ImageNote(
                ImageNoteKind.Scaled,
                $"{width}x{height} pixels were reduced to the model's {imageSize}x{imageSize}: traces of a few pixels may be lost."));
        }
    }
}
