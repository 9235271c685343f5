using LoupeGrpc.Modeling.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

public sealed class StagingDirectoryTests : IDisposable
{
    private readonly string _parent = Directory.CreateTempSubdirectory("loupe-staging-").FullName;

    private string Output => Path.Combine(_parent, "package");

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void What_a_killed_conversion_left_is_removed_by_the_next_one()
    {
        var left = Path.Combine(_parent, ".package.partial-0123");
        Directory.CreateDirectory(Path.Combine(left, "fp32"));
        File.WriteAllText(Path.Combine(left, "fp32", "weights.bin"), "half");
        File.WriteAllText(left + ".lock", "");
        var others = Path.Combine(_parent, ".other.partial-0123");
        Directory.CreateDirectory(others);
        File.WriteAllText(others + ".lock", "");

        using (new StagingDirectory(Output, overwrite: false))
        {
            Assert.False(Directory.Exists(left));
        }

        Assert.Equal([".other.partial-0123", ".other.partial-0123.lock"], Entries());
    }

    [Fact]
    public void What_somebody_still_writes_is_left_alone()
    {
        using (var first = new StagingDirectory(Output, overwrite: false))
        {
            using (var second = new StagingDirectory(Output, overwrite: false))
            {
                Assert.True(Directory.Exists(first.Path));
                Assert.True(Directory.Exists(second.Path));
            }

            Assert.True(Directory.Exists(first.Path));
            first.Publish();
        }

        Assert.Equal(["package"], Entries());
    }

    private IEnumerable<string> Entries() => Directory.EnumerateFileSystemEntries(_parent).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
