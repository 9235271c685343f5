using System.CommandLine;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Commands;

/// <summary>The result of a command that writes a package: its name and where it is.</summary>
internal static class PackageLine
{
    /// <summary>The package is written whether or not its name can be printed: an output that is closed or full is no failure of the command.</summary>
    public static void Show(ModelPackage package, InvocationConfiguration streams)
    {
        var line = $"{package.Manifest.Name}@{package.ShortHash} {package.Directory}";
        try
        {
            streams.Output.WriteLine(line);
        }
        catch (OutputException exception)
        {
            streams.Error.WriteLine($"warning: the package was written, but standard output does not take its name ({exception.Reason}): {line}");
        }
    }
}
