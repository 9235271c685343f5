using System.Collections;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>A package that the settings name, or the embedded one. Disposing removes what was made for this run only.</summary>
internal sealed class ServedModel : IDisposable
{
    private readonly EmbeddedModel? _embedded;

    private ServedModel(ModelPackage package, EmbeddedModel? embedded) => (Package, _embedded) = (package, embedded);

    public ModelPackage Package { get; }

    /// <exception cref="PackageException">There is no such package, or the embedded one can be written nowhere.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<ServedModel> PrepareAsync(
        ModelSource source, LoupeOptions options, IDictionary environment, ILogger logger, CancellationToken cancellationToken)
    {
        var embedded = source.IsEmbedded ? await EmbeddedModel.PrepareAsync(EmbeddedModel.CacheDirectory(options, environment), logger, cancellationToken).ConfigureAwait(false) : null;
        // On a file system that does not answer, opening it waits: whoever stops meanwhile does not.
        var package = embedded?.Package ?? await Task.Run(() => ModelPackage.Open(source.Path), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        return new ServedModel(package, embedded);
    }

    /// <summary>Before anything is decided with it.</summary>
    public void WarnOfDemonstration(ILogger logger)
    {
        if (Package.Manifest.Demonstration)
        {
            ModelLog.Demonstration(logger, Package.Manifest.Name);
        }
    }

    public void Dispose() => _embedded?.Dispose();
}
