using System.Collections;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>The package that the settings name, or the embedded one. Disposing removes what was made for this run only.</summary>
internal sealed class ServedModel : IDisposable
{
    private readonly EmbeddedModel? _embedded;

    private ServedModel(ModelPackage package, EmbeddedModel? embedded) => (Package, _embedded) = (package, embedded);

    public ModelPackage Package { get; }

    /// <exception cref="PackageException">There is no such package, or the embedded one can be written nowhere.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<ServedModel> PrepareAsync(LoupeOptions options, IDictionary environment, ILogger logger, CancellationToken cancellationToken)
    {
        var embedded = options.Model.Path.Length > 0
            ? null
            : await EmbeddedModel.PrepareAsync(EmbeddedModel.CacheDirectory(options, environment), logger, cancellationToken).ConfigureAwait(false);
        var package = embedded?.Package ?? ModelPackage.Open(options.Model.Path);
        if (package.Manifest.Demonstration)
        {
            ModelLog.Demonstration(logger, package.Manifest.Name);
        }

        return new ServedModel(package, embedded);
    }

    public void Dispose() => _embedded?.Dispose();
}
