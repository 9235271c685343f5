using LoupeGrpc.Reporting;
using LoupeGrpc.Server.Explanations;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Explanations;

/// <summary>Places are those that a person sees: held against what turns pictures for overlays.</summary>
public sealed class FieldsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void A_field_lies_where_viewers_show_it(int orientation)
    {
        byte[] numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        using var stored = Mat.FromPixelData(3, 3, MatType.CV_8UC1, numbers);
        using var upright = PictureOrientation.Upright(stored, orientation);

        Assert.All(Enumerable.Range(0, 9), place => Assert.Equal(place + 1, Fields.NumberOf(upright.At<byte>(place / 3, place % 3), orientation)));
    }

    [Theory]
    [InlineData(0, 0, 2, 2, 1)]
    [InlineData(199, 0, 2, 2, 2)]
    [InlineData(398, 198, 2, 2, 9)]
    [InlineData(0, 0, 400, 200, 5)]
    [InlineData(0, 130, 132, 70, 7)]
    public void A_box_lies_where_its_middle_does(int x, int y, int width, int height, int field)
    {
        Assert.Equal(field, Fields.NumberOf(x, y, width, height, ExplanationCases.Plain));
        Assert.Equal(10 - field, Fields.NumberOf(x, y, width, height, ExplanationCases.Plain with { Orientation = 3 }));
    }
}
