using System.Text;

namespace LoupeGrpc.TestSupport;

/// <summary>The provider of <c>tests/standin-provider</c>, which stands in for a GPU. Its source says what it can do.</summary>
public static class StandIn
{
    /// <summary>How bad a day it has, as the environment tells it.</summary>
    public const string ModeVariable = "LOUPE_STANDIN_MODE";

    /// <summary>Names a file to which it appends a line for what happens in it.</summary>
    public const string LogVariable = "LOUPE_STANDIN_LOG";

    /// <summary>How many devices it has.</summary>
    public const string DevicesVariable = "LOUPE_STANDIN_DEVICES";

    /// <summary>The built library.</summary>
    public static string Library { get; } = Path.Combine(AppContext.BaseDirectory, "libloupe_standin.so");

    /// <summary>A library that does the same and has another hash.</summary>
    /// <param name="mark">Makes the difference.</param>
    /// <returns><paramref name="path"/></returns>
    public static string CopyTo(string path, string mark = "copy")
    {
        File.Copy(Library, path);
        // The loader does not look behind the sections.
        using var copy = new FileStream(path, FileMode.Append);
        copy.Write(Encoding.UTF8.GetBytes(mark));
        return path;
    }
}
