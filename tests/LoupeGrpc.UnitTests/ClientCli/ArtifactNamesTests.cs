using System.Text;
using LoupeGrpc.Client.Cli.Inputs;
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

    [Theory]
    // Below the folder that was searched nothing is renamed.
    [InlineData("/d x/a.jpg|/d y/a.png|/d z/a-2.png", "x/a.jpg y/a.png z/a-2.png", "x/a y/a z/a-2")]
    // Named one by one they are called as they are, and their extension tells them apart where it must.
    [InlineData("/d/x x/a.jpg|/d/y y/a.png|/d/z z/a-2.png", "a.jpg a.png a-2.png", "a.jpg a.png a-2")]
    // Two of the same name keep as many of their folders as it takes.
    [InlineData("/d/x x/p.jpg|/d/y y/p.jpg|/d/y y/q.jpg", "x/p.jpg y/p.jpg q.jpg", "x/p y/p q")]
    [InlineData("/d/x/k x/k/p.jpg|/d/y/k y/k/p.jpg", "x/k/p.jpg y/k/p.jpg", "x/k/p y/k/p")]
    [InlineData("/d/x x/k/p.jpg|/d/y y/k/p.jpg", "x/k/p.jpg y/k/p.jpg", "x/k/p y/k/p")]
    // A name made so is nobody else's.
    [InlineData("/d a.jpg|/d a.png|/d a.jpg.webp", "a.jpg a.png a.jpg.webp", "a.jpg a.png a.jpg.webp")]
    // Spaces belong to names.
    [InlineData("/d p.jpg|/d p.jpg_", "p.jpg p.jpg_", "p.jpg p.jpg_")]
    public void Names_that_are_known_from_the_start_are_those_of_their_inputs(string inputs, string labels, string stems)
    {
        var names = ArtifactNames.Of([.. inputs.Split('|').Select(input => input.Split(' ')).Select(input => ($"/d/{input[1].Replace('_', ' ')}", input[0]))]);

        Assert.Equal(labels, string.Join(' ', names.Select(name => name.Label.Replace(' ', '_'))));
        Assert.Equal(stems, string.Join(' ', names.Select(name => name.Stem.Replace(' ', '_'))));
    }

    [Fact]
    public void One_input_given_twice_gets_a_number_that_is_nobody_s_name()
    {
        var names = ArtifactNames.Of([("/d/a.jpg", "/d"), ("/d/a.jpg", "/d"), ("/d/a-2.jpg", "/d"), ("/d/a.jpg", "/d")]);

        Assert.Equal(["a.jpg", "a-3.jpg", "a-2.jpg", "a-4.jpg"], names.Select(name => name.Label));
        Assert.Equal(["a", "a-3", "a-2", "a-4"], names.Select(name => name.Stem));
    }

    [Fact]
    public void Who_has_to_be_called_otherwise_does_not_take_a_name_that_is_used()
    {
        var names = ArtifactNames.Of([("/d/a\nb.jpg", "/d"), ("/d/a_b.jpg", "/d"), ("/d/caf\uDCE9.jpg", "/d")]);

        Assert.Equal(["a_b-2.jpg", "a_b.jpg", "caf_xe9.jpg"], names.Select(name => name.Label));
    }

    [Fact]
    public void Names_never_lead_out_of_the_folder_and_never_meet()
    {
        var random = new Random(5);
        string[] parts = ["a", "A", "b.png", "a.jpg", "a.png", "a-2.png", "a-2", "..b", "a:b", "a_b", "x"];
        for (var round = 0; round < 200; round++)
        {
            var inputs = Enumerable.Range(0, random.Next(1, 12)).Select(_ => (Path: $"/r/{string.Join('/', random.GetItems(parts, random.Next(1, 4)))}", Base: "/r")).ToList();

            var names = ArtifactNames.Of(inputs);

            Assert.Equal(inputs.Count, names.Select(name => name.Label).Distinct(StringComparer.OrdinalIgnoreCase).Count());
            Assert.Equal(inputs.Count, names.Select(name => name.Stem).Distinct(StringComparer.OrdinalIgnoreCase).Count());
            Assert.All(names, name => Assert.StartsWith("/out/", Path.GetFullPath($"/out/{name.Stem}"), StringComparison.Ordinal));
            // A label that another input has is that input's.
            var own = inputs.Select(input => input.Path[3..]).ToHashSet(StringComparer.Ordinal);
            Assert.All(names.Zip(inputs), pair => Assert.True(pair.First.Label == pair.Second.Path[3..] || !own.Contains(pair.First.Label)));
        }
    }
}
