using LoupeGrpc.Files;
using LoupeGrpc.Modeling.Packaging;
using LoupeGrpc.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Modeling;

public sealed class StagingDirectoryTests : IDisposable
{
    private static readonly string Id = new('a', 32);

    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("loupe-tests-");

    public void Dispose() => _parent.Delete(recursive: true);

    [Fact]
    public void What_a_killed_conversion_left_is_removed_by_the_next_one_beside_it()
    {
        Make($".out.partial-{Id}", "weights.bin");
        Lock($".out.partial-{Id}");
        Make($".other.partial-{Id}", "weights.bin");
        Lock($".other.partial-{Id}");
        using (new StagingDirectory(At("out"), overwrite: false))
        {
            Assert.Equal(2, Names().Count);
            Assert.DoesNotContain($".out.partial-{Id}", Names());
        }

        Assert.Empty(Names());
    }

    [Fact]
    public void What_has_a_living_owner_or_none_that_can_be_asked_is_left_alone()
    {
        Make($".a.partial-{Id}", "weights.bin");
        using var living = OwnerLock.Take(At($".a.partial-{Id}.lock"));
        // It has not made its directory yet.
        using var beginning = OwnerLock.Take(At($".b.partial-{Id}.lock"));
        // From before there were locks.
        Make($".c.partial-{Id}", "weights.bin");
        // Not ours at all.
        Make(".d.partial-mine", "diary.txt");
        var before = Names();
        new StagingDirectory(At("out"), overwrite: false).Dispose();
        Assert.Equal(before, Names());
    }

    [Fact]
    public void Two_conversions_to_one_output_leave_each_other_alone()
    {
        using (var first = new StagingDirectory(At("out"), overwrite: false))
        {
            using (var second = new StagingDirectory(At("out"), overwrite: false))
            {
                Assert.True(Directory.Exists(first.Path));
                Assert.True(Directory.Exists(second.Path));
            }

            Assert.True(Directory.Exists(first.Path));
            first.Publish();
        }

        Assert.Equal(["out"], Names());
    }

    [Fact]
    public void A_package_that_was_about_to_be_replaced_comes_back()
    {
        Make($".p.replaced-{Id}", PackageLayout.Manifest);
        Make($".p.partial-{Id}", PackageLayout.Manifest);
        Lock($".p.partial-{Id}");
        new StagingDirectory(At("other"), overwrite: false).Dispose();
        Assert.Equal(["p"], Names());
    }

    [Fact]
    public void One_that_has_been_replaced_does_not()
    {
        Make($".p.replaced-{Id}", "old");
        Lock($".p.partial-{Id}");
        Make("p", PackageLayout.Manifest);
        new StagingDirectory(At("other"), overwrite: false).Dispose();
        Assert.Equal(["p"], Names());
        Assert.True(File.Exists(Path.Combine(At("p"), PackageLayout.Manifest)));
    }

    [Fact]
    public void An_output_that_is_taken_leaves_nothing()
    {
        Make("out", "diary.txt");
        Assert.Throws<PackageException>(() => new StagingDirectory(At("out"), overwrite: true));
        Assert.Equal(["out"], Names());
    }

    private string At(string name) => Path.Combine(_parent.FullName, name);

    private void Make(string name, string file)
    {
        Directory.CreateDirectory(At(name));
        File.WriteAllText(Path.Combine(At(name), file), string.Empty);
    }

    /// <summary>One that nobody holds any more.</summary>
    private void Lock(string name) => File.WriteAllText(At(name + ".lock"), string.Empty);

    private List<string> Names() => [.. _parent.EnumerateFileSystemInfos().Select(static entry => entry.Name).Order(StringComparer.Ordinal)];
}
