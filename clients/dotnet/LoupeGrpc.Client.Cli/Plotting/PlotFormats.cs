namespace LoupeGrpc.Client.Cli.Plotting;

/// <summary>What a plot's file name says about its format.</summary>
internal static class PlotFormats
{
    public static bool IsKnown(string path) => IsSvg(path) || Has(path, ".png");

    public static bool IsSvg(string path) => Has(path, ".svg");

    private static bool Has(string path, string extension) => Path.GetExtension(path).Equals(extension, StringComparison.OrdinalIgnoreCase);
}
