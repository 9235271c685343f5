using System.Text;
using LoupeGrpc.Client.Cli.Artifacts;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public class ArtifactNamesTests
{
    [Fact]
    public void Names_of_different_folders_do_not_meet()
    {
        var names = new ArtifactNames();

        Assert.Equal(("a", ".png"), names.Assign("a.png"));
        Assert.Equal(("a-2", ".png"), names.Assign("a.png"));
        Assert.Equal(("A-3", ".jpg"), names.Assign("A.jpg"));
        Assert.Equal(("a-2-2", ".png"), names.Assign("a-2.png"));
    }

    [Theory]
    [InlineData("../../etc/passwd", ".._.")]
    [InlineData("..", "unnamed")]
    [InlineData("", "unnamed")]
    [InlineData("a\nb\u0000.png", "a_b_")]
    [InlineData("C:\\x.png", "C__x")]
    public void A_name_is_always_one_harmless_component(string name, string stem) => Assert.Equal(stem, new ArtifactNames().Assign(name).Stem);

    [Fact]
    public void Long_names_are_cut_and_stay_apart()
    {
        var names = new ArtifactNames();
        var name = new string('ж', 150) + ".png";

        var (one, other) = (names.Assign(name).Stem, names.Assign(name).Stem);

        Assert.True(Encoding.UTF8.GetByteCount(one) <= 200);
        Assert.NotEqual(one, other);
    }
}
