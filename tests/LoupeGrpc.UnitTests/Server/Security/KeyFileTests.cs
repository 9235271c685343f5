using LoupeGrpc.Server.Security;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Security;

public sealed class KeyFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("loupe-tests-");

    private string Keys => Path.Combine(_folder.FullName, "keys.json");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_is_written_is_read_and_is_for_its_owner_alone()
    {
        var key = New("gate-3") with { Sessions = 2, FramesPerSecond = 12.5 };
        await KeyFile.ChangeAsync(Keys, TimeProvider.System, _ => [key], Token);

        Assert.Equal([key], KeyFile.Read(Keys));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(Keys).UnixFileMode);
        Assert.DoesNotContain(Directory.GetFiles(_folder.FullName), static file => file.EndsWith(".new", StringComparison.Ordinal));
    }

    /// <summary>A key that is revoked by the link's name must not go on counting for servers that read the file by its own.</summary>
    [Fact]
    public async Task What_a_link_leads_to_is_changed_and_the_link_stays()
    {
        var link = Path.Combine(_folder.FullName, "link.json");
        File.CreateSymbolicLink(link, "keys.json");
        await KeyFile.ChangeAsync(link, TimeProvider.System, _ => [New("gate-3"), New("gate-4")], Token);
        await KeyFile.ChangeAsync(link, TimeProvider.System, static keys => [.. keys.Where(static key => key.Name != "gate-3")], Token);

        Assert.Equal("keys.json", new FileInfo(link).LinkTarget);
        Assert.Null(new FileInfo(Keys).LinkTarget);
        Assert.Equal("gate-4", Assert.Single(KeyFile.Read(Keys)).Name);
        Assert.Equal("gate-4", Assert.Single(KeyFile.Read(link)).Name);
    }

    [Fact]
    public void A_folder_is_called_one()
    {
        Directory.CreateDirectory(Keys);
        Assert.Equal($"{Keys} cannot be read: {Keys} is a folder", Assert.Throws<InvalidDataException>(() => KeyFile.Read(Keys)).Message);
    }

    [Fact]
    public async Task A_change_that_fails_leaves_the_file_as_it_was()
    {
        await KeyFile.ChangeAsync(Keys, TimeProvider.System, _ => [New("gate-3")], Token);
        var before = await File.ReadAllBytesAsync(Keys, Token);

        await Assert.ThrowsAsync<InvalidDataException>(() => KeyFile.ChangeAsync(Keys, TimeProvider.System, static _ => throw new InvalidDataException("no"), Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => KeyFile.ChangeAsync(Keys, TimeProvider.System, static _ => [], new CancellationToken(canceled: true)));

        Assert.Equal(before, await File.ReadAllBytesAsync(Keys, Token));
        Assert.Equal(["keys.json", "keys.json.lock"], _folder.GetFiles().Select(static file => file.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_writers_at_the_same_time_none_undoes_another()
    {
        using var stop = new CancellationTokenSource();
        await KeyFile.ChangeAsync(Keys, TimeProvider.System, static _ => [], Token);
        var reading = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                // Never half of it.
                KeyFile.Read(Keys);
            }
        }, Token);

        await Task.WhenAll(Enumerable.Range(0, 16).Select(number => Task.Run(
            () => KeyFile.ChangeAsync(Keys, TimeProvider.System, keys => [.. keys, New($"camera-{number}")], Token), Token)));
        await stop.CancelAsync();
        await reading;

        Assert.Equal(16, KeyFile.Read(Keys).Count);
    }

    [Theory]
    [InlineData("", "or only half of one")]
    [InlineData("{\"version\":1,\n\"keys\":[{\"name\":\"a\"", "or only half of one, from line 2 on: mend that line, put a copy back, or remove the file and make keys anew with 'loupe-grpc-server key add'")]
    [InlineData("{\"version\":2,\"keys\":[]}", "version 2")]
    [InlineData("{\"version\":1}", "is not a file of keys")]
    [InlineData("{\"version\":1,\"keys\":[null]}", "is not a file of keys")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a b\",\"role\":\"admin\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\"}]}", "letters, digits")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a\",\"role\":\"root\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\"}]}", "role of a is 'root'")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"12\",\"added\":\"2026-01-01T00:00:00Z\"}]}", "hash of a")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\",\"sessions\":0}]}", "0 sessions")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\",\"rolle\":1}]}", "is not a file of keys")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a\",\"role\":\"analyse\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\",\"role\":\"admin\"}]}", "is not a file of keys")]
    [InlineData("{\"version\":1,\"keys\":[{\"name\":\"a\",\"role\":\"admin\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\"},{\"name\":\"b\",\"role\":\"admin\",\"hash\":\"HASH\",\"added\":\"2026-01-01T00:00:00Z\"}]}", "two names have one key")]
    public void What_is_no_file_of_keys_is_said_to_be(string text, string reason)
    {
        File.WriteAllText(Keys, text.Replace("HASH", AccessKey.HashOf("x"), StringComparison.Ordinal));
        var error = Assert.Throws<InvalidDataException>(() => KeyFile.Read(Keys));
        Assert.StartsWith(Keys, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("/proc/self")]
    public void What_has_no_end_is_not_read(string path) => Assert.Throws<InvalidDataException>(() => KeyFile.Read(path));

    [Fact]
    public void Keys_are_long_and_never_the_same()
    {
        var keys = Enumerable.Range(0, 100).Select(static _ => AccessKey.NewSecret()).ToList();
        Assert.Equal(100, keys.Distinct().Count());
        Assert.All(keys, static key => Assert.Matches("^loupe_[A-Za-z0-9_-]{43}$", key));
    }

    private static AccessKey New(string name) => new(name, "analyse", AccessKey.HashOf(AccessKey.NewSecret()), DateTimeOffset.UnixEpoch);
}
