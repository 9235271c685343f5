using System.Text.RegularExpressions;
using LoupeGrpc.TestSupport;
using Xunit;

namespace LoupeGrpc.UnitTests.Documentation;

/// <summary>One place says the version; whatever repeats it, since it cannot read that place, is written by scripts/set-version.sh.</summary>
public sealed class VersionTests
{
    private static readonly string Version = Regex.Match(Read("Directory.Build.props"), "<Version>(.+)</Version>").Groups[1].Value;

    [Theory]
    [InlineData("Dockerfile", "ARG VERSION=(.+)")]
    [InlineData("clients/python/pyproject.toml", "(?m)^version = \"(.+)\"")]
    [InlineData("clients/python/src/loupe_grpc/_options.py", "(?m)^VERSION = \"(.+)\"")]
    [InlineData("clients/go/options.go", "Version += \"(.+)\"")]
    [InlineData("clients/go/README.md", "loupegrpc@v([0-9.]+)")]
    [InlineData("clients/java/pom.xml", "<version>(.+)</version>")]
    [InlineData("clients/java/src/main/java/loupegrpc/ClientOptions.java", "VERSION = \"(.+)\"")]
    [InlineData("clients/java/README.md", "<version>(.+)</version>")]
    [InlineData("clients/java/README.md", @"loupe-grpc-([0-9.]+)\.jar")]
    [InlineData("clients/cpp/README.md", "loupe-grpc-cpp-([0-9.]+)-Linux")]
    [InlineData("clients/node/package.json", "\"version\": \"(.+)\"")]
    [InlineData("clients/node/package-lock.json", "\"version\": \"(.+)\"")]
    [InlineData("clients/node/src/options.ts", "loupe-grpc-node/([0-9.]+)'")]
    [InlineData("clients/node/README.md", @"loupe-grpc-([0-9.]+)\.tgz")]
    [InlineData("clients/web/package.json", "\"version\": \"(.+)\"")]
    [InlineData("clients/web/package-lock.json", "\"version\": \"(.+)\"")]
    [InlineData("tests/LoupeGrpc.UnitTests/packages.cpu.lock.json", @"""LoupeGrpc\.Engine"": ""\[(.+), \)""")]
    public void Every_place_repeats_it(string file, string pattern) =>
        Assert.Equal(Version, Regex.Match(Read(file), pattern).Groups[1].Value.TrimEnd('\r'));

    private static string Read(string file) => File.ReadAllText(Path.Combine(TestData.RepositoryRoot, file));
}
