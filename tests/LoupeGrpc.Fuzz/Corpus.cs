using System.Security.Cryptography;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.Fuzz;

/// <summary>Inputs kept in the tree, a folder for each target: where fuzzing begins, and what once failed.</summary>
internal static class Corpus
{
    public static string DirectoryOf(FuzzTarget target) => Path.Combine(TestData.RepositoryRoot, "tests", "LoupeGrpc.Fuzz", "corpus", target.Name);

    /// <summary>Every input of the target, in an order that does not depend on the file system. One empty input where there is none.</summary>
    public static IReadOnlyList<byte[]> Read(FuzzTarget target)
    {
        var directory = DirectoryOf(target);
        return Directory.Exists(directory) && Directory.GetFiles(directory) is { Length: > 0 } files
            ? [.. files.Order(StringComparer.Ordinal).Select(File.ReadAllBytes)]
            : [[]];
    }

    /// <summary>Writes an input under a name made of its content.</summary>
    /// <returns>Where it is.</returns>
    public static string Write(string directory, string prefix, byte[] input)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, $"{prefix}{Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 6))}");
        File.WriteAllBytes(path, input);
        return path;
    }
}
