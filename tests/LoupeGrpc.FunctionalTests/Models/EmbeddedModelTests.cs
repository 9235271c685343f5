using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.FunctionalTests.Models;

public sealed class EmbeddedModelTests : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly LogRecorder _log = new();

    private IEnumerable<string> Warnings => _log.Lines.Where(static line => line.StartsWith("Warning", StringComparison.Ordinal));

    public void Dispose()
    {
        _temporary.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task It_is_converted_once_and_then_taken_from_the_cache()
    {
        using var first = await PrepareAsync(_temporary.FullName);
        Assert.Contains("was converted", Assert.Single(_log.Lines), StringComparison.Ordinal);
        var written = File.GetLastWriteTimeUtc(Path.Combine(first.Package.Directory, "model.json"));
        using var second = await PrepareAsync(_temporary.FullName);
        Assert.Equal(first.Package.Directory, second.Package.Directory);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(second.Package.Directory, "model.json")));
        Assert.True(first.Package.Manifest.Demonstration);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public async Task Several_first_starts_at_a_time_end_with_the_same_model()
    {
        var models = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => PrepareAsync(_temporary.FullName))));
        Assert.Single(models.Select(static model => model.Package.Directory).Distinct());
        Assert.Single(Directory.GetDirectories(_temporary.FullName));
        Assert.Single(_log.Lines);
        Array.ForEach(models, static model => model.Dispose());
    }

    /// <summary>Root may write into folders that are read-only: the name of the lock, which a read-only cache has no room for, is taken instead.</summary>
    [Fact]
    public async Task A_whole_model_is_taken_from_a_cache_in_which_nothing_can_be_locked()
    {
        using var first = await PrepareAsync(_temporary.FullName);
        var lockFile = first.Package.Directory + ".lock";
        File.Delete(lockFile);
        Directory.CreateDirectory(lockFile);
        using var second = await PrepareAsync(_temporary.FullName);
        Assert.Equal(first.Package.Directory, second.Package.Directory);
        Assert.Empty(Warnings);
    }

    [Theory]
    [InlineData("fp32/weights.bin")]
    [InlineData("model.json")]
    public async Task A_damaged_cache_is_discarded_with_a_warning(string file)
    {
        using var first = await PrepareAsync(_temporary.FullName);
        await File.WriteAllTextAsync(Path.Combine(first.Package.Directory, file), "damaged", Patience.Token());
        using var second = await PrepareAsync(_temporary.FullName);
        Assert.Equal(first.Package.Hash, second.Package.Hash);
        Assert.Contains("damaged", Assert.Single(Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cache_that_cannot_be_used_is_replaced_by_a_directory_for_this_run_with_a_warning()
    {
        // A file where the directory should be: not even root can write into it.
        var cache = _temporary["cache"];
        await File.WriteAllTextAsync(cache, string.Empty, Patience.Token());
        string directory;
        using (var model = await PrepareAsync(cache))
        {
            directory = model.Package.Directory;
            Assert.True(File.Exists(Path.Combine(directory, "model.json")));
            Assert.Contains(cache, Assert.Single(Warnings), StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Path.GetDirectoryName(directory)));
    }

    [Theory]
    [InlineData("/x", "/home/u", "/x/loupe-grpc")]
    [InlineData("relative", "/home/u", "/home/u/.cache/loupe-grpc")]
    [InlineData(null, "/home/u", "/home/u/.cache/loupe-grpc")]
    [InlineData(null, null, null)]
    public void The_cache_is_where_such_things_are_kept(string? cacheHome, string? home, string? expected) => Assert.Equal(
        expected, EmbeddedModel.DefaultCacheDirectory(name => name switch { "XDG_CACHE_HOME" => cacheHome, "HOME" => home, _ => null }));

    private Task<EmbeddedModel> PrepareAsync(string cache) =>
        EmbeddedModel.PrepareAsync(cache, _log.CreateLogger("test"), TestContext.Current.CancellationToken);
}
