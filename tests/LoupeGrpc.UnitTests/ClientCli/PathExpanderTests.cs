using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Inputs;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli;

public sealed class PathExpanderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-paths-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_folder_gives_its_pictures_in_ordinal_order_of_the_full_path()
    {
        Touch("b.png", "a/z.JPG", "a/b.webp", "a-b/c.tiff", "B.bmp", "notes.txt", "a/deep/er/x.jpeg", ".hidden/y.png");

        Assert.Equal([".hidden/y.png", "B.bmp", "a-b/c.tiff", "a/b.webp", "a/deep/er/x.jpeg", "a/z.JPG", "b.png"], Expand(_folder));
    }

    [Fact]
    public void Inputs_keep_their_order_and_repetitions()
    {
        Touch("b.png", "a.txt");

        Assert.Equal(["b.png", "a.txt", "b.png"], Expand(At("b.png"), At("a.txt"), At("b.png")));
    }

    [Fact]
    public void A_pattern_matches_within_a_name_or_over_folders()
    {
        Touch("x/a.png", "x/b.jpg", "x/y/c.png", "z.png");

        Assert.Equal(["x/a.png"], Expand(At("x/*.png")));
        Assert.Equal(["x/a.png", "x/y/c.png", "z.png"], Expand(At("**/*.png")));
        Assert.Equal(["x/a.png", "x/b.jpg"], Expand(At("x/*")));
    }

    [Fact]
    public void A_file_whose_name_is_a_pattern_is_itself()
    {
        Touch("a*.png", "ab.png");

        Assert.Equal(["a*.png"], Expand(At("a*.png")));
    }

    [Fact]
    public void What_is_not_there_keeps_its_place()
    {
        Directory.CreateDirectory(At("empty"));
        Touch("a.png");

        var items = PathExpander.Expand([At("missing.png"), At("empty"), At("no*.png"), At("a.png")], cancellationToken: TestContext.Current.CancellationToken);

        Assert.All(items.Take(3), item => Assert.Equal(LoupeFailureCode.NotFound, Assert.IsType<UnreadableItem>(item).Code));
        Assert.Contains("holds no pictures", ((UnreadableItem)items[1]).Message, StringComparison.Ordinal);
        Assert.IsType<FileItem>(items[3]);
    }

    [Fact]
    public void Links_to_folders_are_not_followed_and_links_to_files_are()
    {
        Touch("real/a.png");
        Directory.CreateSymbolicLink(At("real/loop"), _folder);
        File.CreateSymbolicLink(At("b.png"), At("real/a.png"));

        Assert.Equal(["b.png", "real/a.png"], Expand(_folder));
    }

    private string At(string name) => Path.Combine(_folder, name);

    private void Touch(params string[] names)
    {
        foreach (var name in names)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
            File.WriteAllBytes(At(name), [1]);
        }
    }

    private IEnumerable<string> Expand(params string[] paths) => PathExpander.Expand(paths, cancellationToken: TestContext.Current.CancellationToken).Select(item => Path.GetRelativePath(_folder, item.Path));
}
