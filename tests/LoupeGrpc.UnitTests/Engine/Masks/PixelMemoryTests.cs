using LoupeGrpc.Engine.Masks;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Engine.Masks;

[CollectionDefinition(nameof(PixelMemoryTests), DisableParallelization = true)]
[Collection(nameof(PixelMemoryTests))]
public sealed class PixelMemoryTests
{
    [Theory]
    [InlineData(3, 5)]
    [InlineData(4096, 4097)]
    public void Values_and_mat_are_the_same_pixels(int width, int height)
    {
        using var memory = new PixelMemory<float>(width, height, MatType.CV_32FC1);
        memory.Values[^1] = 0.75f;

        Assert.Equal((width * height, height, width), (memory.Values.Length, memory.Mat.Rows, memory.Mat.Cols));
        Assert.Equal(0.75f, memory.Mat.At<float>(height - 1, width - 1));
    }

    [Fact]
    public void A_huge_picture_leaves_nothing_behind()
    {
        const int Side = 10_000;
        for (int i = 0; i < 3; i++)
        {
            long held;
            using (var memory = new PixelMemory<float>(Side, Side, MatType.CV_32FC1))
            {
                memory.Values.Fill(1);
                held = ResidentBytes();
            }

            // What other tests have left may go meanwhile too; nothing comes.
            Assert.InRange(held - ResidentBytes(), 350L << 20, long.MaxValue);
        }
    }

    /// <summary>Of this process, anonymous.</summary>
    private static long ResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>A picture in tiles gives its map back where its mask is made and where it leaves; the next two pictures wrote into one.</summary>
    [Fact]
    public void What_is_given_back_twice_is_lent_once()
    {
        var twice = new PixelMemory<float>(300, 200, MatType.CV_32FC1);
        twice.Dispose();
        twice.Dispose();

        using var first = new PixelMemory<float>(300, 200, MatType.CV_32FC1);
        using var second = new PixelMemory<float>(300, 200, MatType.CV_32FC1);
        first.Values.Fill(1);
        second.Values.Fill(2);

        Assert.Equal(1, first.Values[0]);
    }
}
