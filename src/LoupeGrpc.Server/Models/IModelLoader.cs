using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>From a folder to a package that runs.</summary>
internal interface IModelLoader
{
    /// <summary>Loads what lies in the folder now, and has it check itself.</summary>
    /// <param name="serving">Hash of the package that serves under this name; null: none does.</param>
    /// <param name="beside">Others serve meanwhile, whom it must not take the memory from.</param>
    /// <returns>Null where the folder holds the package that serves.</returns>
    /// <exception cref="PackageException">It is no package, or a broken one.</exception>
    /// <exception cref="ModelLoadException">It cannot serve here, or there is no memory for it beside what serves.</exception>
    /// <exception cref="OperationCanceledException"/>
    Task<LoadedModel?> LoadAsync(ModelSource source, string? serving, bool beside, CancellationToken cancellationToken);
}
