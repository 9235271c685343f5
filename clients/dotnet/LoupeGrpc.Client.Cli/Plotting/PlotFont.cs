using ScottPlot;
using SkiaSharp;

namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>The font of every plot. It travels with the program: many servers have none, and text would silently be left out there.</summary>
internal sealed class PlotFont : IFontResolver
{
    public const string Name = "DejaVu Sans";

    private static readonly byte[] File = Load();

    /// <summary>Makes ScottPlot find it. Harmless to repeat.</summary>
    public static void Register()
    {
        lock (File)
        {
            if (!Fonts.FontResolvers.Any(resolver => resolver is PlotFont))
            {
                Fonts.FontResolvers.Insert(0, new PlotFont());
            }
        }
    }

    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        fontName == Name ? SKTypeface.FromData(SKData.CreateCopy(File)) : null;

    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) =>
        CreateTypeface(fontName, FontWeight.Normal, FontSlant.Upright, FontSpacing.Normal);

    private static byte[] Load()
    {
        using var stream = typeof(PlotFont).Assembly.GetManifestResourceStream("DejaVuSans.ttf")
            ?? throw new InvalidOperationException("The font is not in the program.");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
