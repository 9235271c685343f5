using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using LoupeGrpc.Client;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Results;
using LoupeGrpc.TestSupport;
using LoupeGrpc.V1;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Files;

/// <summary>Folders as they are found: names that are not UTF-8, pipes and devices, links that lead in circles, pictures called anything.</summary>
public sealed class FolderTests : IDisposable
{
    private static readonly byte[] Picture = File.ReadAllBytes(TestData.Golden("faults", "jpeg-whole.jpg"));

    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-folders-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        using var remove = Process.Start("rm", ["-rf", _folder]);
        remove.WaitForExit();
    }

    [Fact]
    public void A_phone_s_folder_is_analysed_whole()
    {
        var (items, passedOver) = Expand(TestData.Golden("faults", "phone-folder"));

        Assert.Equal(["IMG_1.JPG", "IMG_2.HEIC", "IMG_3"], items.Select(item => Path.GetFileName(item.Path)));
        Assert.Null(passedOver);
    }

    [Fact]
    public void What_is_no_picture_is_counted_and_what_is_named_like_one_is_sent()
    {
        Write("a", Picture);
        Write("b.png", []);
        Write("c.jpg", "<html>"u8.ToArray());
        Write("d.txt", "text"u8.ToArray());
        Write("e.db", [0, 1]);
        Write("f", []);

        var (items, passedOver) = Expand(_folder);

        Assert.Equal(["a", "b.png", "c.jpg"], Names(items));
        Assert.Equal("3 files were not pictures", passedOver);
    }

    [Fact]
    public void A_folder_without_pictures_says_so_and_what_was_there()
    {
        Write("d.txt", "text"u8.ToArray());

        var (items, passedOver) = Expand(_folder);

        Assert.Equal((LoupeFailureCode.NotFound, "the folder holds no pictures"), Failure(Assert.Single(items)));
        Assert.Equal("1 file was not a picture", passedOver);
    }

    [Fact]
    public async Task Names_that_are_not_utf8_are_found_opened_and_shown()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has such names");
        await ShellAsync(@"mkdir $'caf\xe9'; cp ""$PICTURE"" a.jpg; cp ""$PICTURE"" $'caf\xe9/b.jpg'; cp ""$PICTURE"" $'n\xe9.jpg'; cp ""$PICTURE"" $'n\xef\xbf\xbd.jpg'");

        var (items, _) = Expand(_folder);

        Assert.Equal(["a.jpg", @"caf\xe9/b.jpg", @"n\xe9.jpg", "n\uFFFD.jpg"], Names(items).Order(StringComparer.Ordinal));
        Assert.All(await LoadAsync(items), loaded => Assert.Equal(Picture, loaded.Frame!.Data.ToArray()));
        // Named by itself, in a list, and by a pattern.
        var name = PathText.FromBytes([.. Encoding.UTF8.GetBytes($"{_folder}/n"), 0xE9, .. ".jpg"u8]);
        Assert.NotNull((await LoadAsync(Expand(name).Items))[0].Frame);
        Assert.Equal([@"caf\xe9/b.jpg"], Names(Expand(At("caf*/*.jpg")).Items));
    }

    [Fact]
    public async Task Pipes_sockets_and_devices_never_keep_anyone_waiting()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs mkfifo");
        Write("a.jpg", Picture);
        await ShellAsync("mkfifo b.jpg; ln -s /dev/zero c.jpg; ln -s b.jpg d.jpg");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(At("e.jpg")));

        var (items, passedOver) = Expand(_folder);
        var (matching, also) = Expand(At("*.jpg"));

        Assert.Equal(["a.jpg"], Names(items));
        Assert.Equal(["a.jpg"], Names(matching));
        Assert.Equal("2 named pipes were passed over; 1 socket was passed over; 1 device was passed over", passedOver);
        Assert.Equal(passedOver, also);

        // Named by themselves they have their row.
        var named = Expand(At("b.jpg"), At("c.jpg"), At("e.jpg")).Items;
        Assert.Equal(
            ["It is a named pipe, not a regular file.", "It is a device, not a regular file.", "It is a socket, not a regular file."],
            (await LoadAsync(named)).Select(loaded => loaded.Failure!.Message.Replace("the file cannot be read: ", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Links_to_folders_are_followed_neither_in_folders_nor_by_patterns()
    {
        Write("p.jpg", Picture);
        foreach (var name in (string[])["a", "b"])
        {
            Directory.CreateDirectory(At(name));
            Directory.CreateSymbolicLink(At($"{name}/up"), "..");
        }

        File.CreateSymbolicLink(At("self"), "self");
        File.CreateSymbolicLink(At("gone.jpg"), "nowhere.jpg");
        File.CreateSymbolicLink(At("gone"), "nowhere");

        var (items, passedOver) = Expand(_folder);
        var (matching, also) = Expand(At("**/*.jpg"));
        var (named, _) = Expand(At("a/up"));

        Assert.Equal(["gone.jpg", "p.jpg", "self"], Names(items));
        Assert.Equal((LoupeFailureCode.Unreadable, "the link leads nowhere"), Failure(items[0]));
        Assert.StartsWith("the link cannot be followed: ", Failure(items[2]).Message, StringComparison.Ordinal);
        Assert.Equal("2 links to folders were not followed; 1 link led nowhere", passedOver);
        Assert.Equal(["gone.jpg", "p.jpg", "self"], Names(matching));
        Assert.StartsWith("2 links to folders were not followed", also, StringComparison.Ordinal);
        Assert.Equal(3, named.Count);
        Assert.All(named, item => Assert.StartsWith(At("a/up/"), item.Path, StringComparison.Ordinal));
    }

    [Fact]
    public void A_pattern_goes_down_no_further_than_it_says()
    {
        Write("x/a.jpg", Picture);
        Write("x/y/b.jpg", Picture);
        Directory.CreateSymbolicLink(At("x/up"), "..");

        Assert.Equal(["x/a.jpg"], Names(Expand(At("x/*.jpg")).Items));
        Assert.Null(Expand(At("x/*.jpg")).SkippedFiles);
        Assert.Equal(["x/y/b.jpg"], Names(Expand(At("*/*/*.jpg")).Items));
        Assert.Equal((LoupeFailureCode.NotFound, "no file matches this pattern"), Failure(Assert.Single(Expand(At("gone/*.jpg")).Items)));
    }

    [Fact]
    public void Spaces_at_either_end_belong_to_the_name()
    {
        Write("p.jpg", Picture);
        Write("p.jpg ", Picture[..100]);
        Write(" p.jpg", Picture[..200]);

        var list = PathList.Parse(Encoding.UTF8.GetBytes($"{At("p.jpg ")}\n{At(" p.jpg")}\r\n\n{At("p.jpg")}"), isNull: false);

        Assert.Equal(["p.jpg ", " p.jpg", "p.jpg"], Names(Expand([.. list]).Items));
    }

    [Fact]
    public void A_list_with_zero_bytes_may_hold_line_breaks()
    {
        Assert.Equal(["a\nb.jpg", " c\r", "d"], PathList.Parse("a\nb.jpg\0 c\r\0\0d\0"u8, isNull: true));
        Assert.Equal("n\uDCE9.jpg", Assert.Single(PathList.Parse([(byte)'n', 0xE9, .. ".jpg\n"u8], isNull: false)));
    }

    [Fact]
    public void A_folder_of_frames_is_in_natural_order_and_each_frame_names_its_file()
    {
        foreach (var number in Enumerable.Range(1, 12))
        {
            Write($"{number}.jpg", Picture);
        }

        Write("readme.txt", "text"u8.ToArray());
        Write("below/13.jpg", Picture);

        var source = FrameFolder.Open(_folder, new SamplingOptions(10, 11, TimeProvider.System), Token);
        var items = source.ReadAsync(Token).ToBlockingEnumerable(Token).ToList();

        Assert.Equal(Enumerable.Range(1, 11).Select(number => At($"{number}.jpg")), items.Select(item => item.Source));
        Assert.Equal(Enumerable.Range(0, 11).Select(number => number / 10.0), items.Select(item => item.TimeSeconds!.Value));
        Assert.All(items, item => Assert.Equal(_folder, item.Path));
        Assert.Equal("1 file was not a picture", source.Remark);
    }

    private static (IReadOnlyList<SourceItem> Items, string? SkippedFiles) Expand(params string[] paths)
    {
        var passedOver = new SkippedFiles();
        return (PathExpander.Expand(paths, passedOver, Token), passedOver.Text);
    }

    private static async Task<List<LoadedItem>> LoadAsync(IEnumerable<SourceItem> items)
    {
        var loaded = new List<LoadedItem>();
        foreach (var item in items)
        {
            loaded.Add(await item.LoadAsync(0, new Limits { MaxFrameBytes = 1 << 20 }, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token));
        }

        return loaded;
    }

    private static (LoupeFailureCode Code, string Message) Failure(SourceItem item)
    {
        var unreadable = Assert.IsType<UnreadableItem>(item);
        return (unreadable.Code, unreadable.Message);
    }

    private IEnumerable<string> Names(IEnumerable<SourceItem> items) => items.Select(item => PathText.Show(Path.GetRelativePath(_folder, item.Path)));

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, byte[] data)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), data);
    }

    private async Task ShellAsync(string script)
    {
        var start = new ProcessStartInfo("bash", ["-ec", script]) { WorkingDirectory = _folder };
        start.Environment["PICTURE"] = TestData.Golden("faults", "jpeg-whole.jpg");
        using var shell = Process.Start(start)!;
        await shell.WaitForExitAsync(Token);
        Assert.Equal(0, shell.ExitCode);
    }
}
