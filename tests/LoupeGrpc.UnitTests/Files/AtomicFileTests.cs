using System.Diagnostics;
using System.Runtime.Versioning;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Files;
using Xunit;

namespace LoupeGrpc.UnitTests.Files;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-whole-").FullName;
    private bool _isMounted;

    public void Dispose()
    {
        if (_isMounted)
        {
            Run("umount", _folder);
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void An_older_file_stays_until_the_new_one_is_whole()
    {
        var path = Write("a.png", "older");

        using (var file = new AtomicFile(path))
        {
            file.Content.Write("new"u8);
            file.Content.Flush();
            Assert.Equal("older", File.ReadAllText(path));
        }

        Assert.Equal("older", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));

        AtomicFile.Write(path, "new"u8.ToArray());
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void What_a_killed_program_left_is_removed_and_what_is_being_written_is_not()
    {
        Write(".loupe-0123.partial", "left");
        var own = Write("loupe-0123.partial", "somebody's own");
        using var file = new AtomicFile(Path.Combine(_folder, "b.png"));

        AtomicFile.Sweep(_folder);

        Assert.Equal(2, Directory.GetFiles(_folder).Length);
        Assert.True(File.Exists(own));
        file.Commit();
        Assert.True(File.Exists(Path.Combine(_folder, "b.png")));
    }

    [Fact]
    public void A_mask_that_cannot_be_written_leaves_none_of_an_earlier_run_and_says_why()
    {
        var masks = new ArtifactFolder(Path.Combine(_folder, "masks"));
        masks.Save("a", stream => stream.WriteByte(1));

        var error = Assert.Throws<IOException>(() => masks.Save("a", _ => throw new IOException("No space left on device : '/somewhere/.loupe-1.partial'")));

        Assert.Equal($"{masks.FileOf("a")} was not written: No space left on device", error.Message);
        Assert.Empty(Directory.GetFiles(masks.Path));
        Assert.Equal(1, masks.Written);
    }

    [Fact]
    public void A_full_disk_has_the_files_that_fit_and_no_half_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root may mount a small disk");
        _isMounted = Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _folder) == 0;
        Assert.SkipUnless(_isMounted, "no disk can be mounted here");
        var masks = new ArtifactFolder(Path.Combine(_folder, "masks"));
        var content = new byte[20_000];
        var failures = new List<string>();

        for (var i = 0; i < 5; i++)
        {
            try
            {
                masks.Save($"{i}", stream => stream.Write(content));
            }
            catch (IOException error)
            {
                failures.Add(error.Message);
            }
        }

        Assert.InRange(failures.Count, 2, 4);
        Assert.All(failures, failure => Assert.EndsWith(" was not written: No space left on device", failure, StringComparison.Ordinal));
        var written = new DirectoryInfo(masks.Path).GetFileSystemInfos();
        Assert.Equal(5 - failures.Count, written.Length);
        Assert.All(written, file => Assert.Equal(content.Length, Assert.IsType<FileInfo>(file).Length));
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void It_has_the_rights_that_were_asked_for_from_its_first_byte_on()
    {
        string path = Path.Combine(_folder, "keys.json");
        using (var file = new AtomicFile(path, UnixFileMode.UserRead | UnixFileMode.UserWrite))
        {
            Assert.All(Directory.EnumerateFiles(_folder), static written => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(written)));
            file.Commit();
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }
}
