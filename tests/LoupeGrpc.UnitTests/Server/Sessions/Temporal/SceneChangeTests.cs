using LoupeGrpc.Server.Sessions.Temporal;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions.Temporal;

public sealed class SceneChangeTests
{
    [Fact]
    public void Brightness_of_the_whole_picture_is_no_change_and_what_moves_in_it_is()
    {
        var before = Enumerable.Range(0, 192).Select(static i => (byte)(i / 2)).ToArray();
        Assert.Equal(0, SceneChange.Between(before, before));
        Assert.Equal(0, SceneChange.Between(before, [.. before.Select(static value => (byte)(value + 90))]));
        Assert.Equal(0.25, SceneChange.Between(new byte[192], [.. Enumerable.Range(0, 192).Select(static i => (byte)(i % 2 == 0 ? 0 : 127.5))]), 0.002);
        Assert.InRange(SceneChange.Between(before, [.. before.Reverse()]), 0.15, 0.25);
    }

    [Fact]
    public void In_a_picture_that_shakes_a_change_must_be_larger_to_be_a_cut()
    {
        var (calm, shaken) = (new SceneChange(0.06), new SceneChange(0.06));
        var random = new Random(1);
        for (int i = 0; i < 50; i++)
        {
            Assert.False(calm.Add(MadeFrames.Layout(1, 2, random)));
            bool cut = shaken.Add(MadeFrames.Layout(1, 20, random));
            Assert.False(cut);
        }

        Assert.True(calm.Add(MadeFrames.Layout(1, 40, random)));
        Assert.False(shaken.Add(MadeFrames.Layout(1, 40, random)));
        Assert.True(shaken.Add(MadeFrames.Layout(2)));
        Assert.False(shaken.Add(MadeFrames.Layout(2)));
    }

    [Fact]
    public void Who_wants_none_gets_none()
    {
        var none = new SceneChange(1);
        none.Add(new byte[192]);
        Assert.False(none.Add([.. Enumerable.Range(0, 192).Select(static i => (byte)(255 * (i % 2)))]));
    }
}
