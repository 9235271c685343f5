using System.Xml.Linq;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Client;

internal static class PlotAssert
{
    /// <summary>The file is a picture that shows something; an SVG has these texts.</summary>
    public static async Task ShowsAsync(string file, params string[] texts)
    {
        var data = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        if (file.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
        {
            using var stream = new MemoryStream(data);
            var found = XDocument.Load(stream).Descendants(XName.Get("text", "http://www.w3.org/2000/svg")).Select(text => text.Value.Trim()).ToList();
            Assert.All(texts, text => Assert.Contains(text, found));
            return;
        }

        using var picture = Cv2.ImDecode(data, ImreadModes.Grayscale);
        using var ink = picture.LessThan(128).ToMat();
        Assert.InRange(Cv2.CountNonZero(ink), picture.Width, picture.Width * picture.Height / 4);
    }
}
