using System.Collections;
using System.Diagnostics.Metrics;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Execution;
using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Models;

/// <summary>Loads packages as the settings say. What is inside their engines is on one account, <c>Loupe:Engine:MaxBytesInPipeline</c>, however many they are.</summary>
/// <param name="meters">Of the engines: it outlives each one of them.</param>
/// <param name="freeMemory">Bytes that this process may still take.</param>
internal sealed class ModelLoader(
    LoupeOptions options, ExecutionHost host, IDictionary environment, TimeProvider time, ILoggerFactory loggers, IMeterFactory? meters, Func<long> freeMemory) : IModelLoader
{
    private readonly ILogger _logger = loggers.CreateLogger<ModelLoader>();
    private readonly Room _engines = new(RoomSize.OfBytes(options.Engine.MaxBytesInPipeline));

    public async Task<LoadedModel?> LoadAsync(ModelSource source, string? serving, bool beside, CancellationToken cancellationToken)
    {
        var package = await ServedModel.PrepareAsync(source, options, environment, _logger, cancellationToken).ConfigureAwait(false);
        try
        {
            if (package.Package.Hash == serving)
            {
                package.Dispose();
                return null;
            }

            package.WarnOfDemonstration(_logger);
            var setup = ExecutionSetup.Create(package.Package, options.Execution, options.Engine, host, time, loggers, meters, _engines);
            if (beside)
            {
                RequireRoom(source, Weights(package, setup));
            }

            return new LoadedModel(await setup.StartLadderAsync(cancellationToken).ConfigureAwait(false), package);
        }
        catch
        {
            package.Dispose();
            throw;
        }
    }

    /// <summary>Of the precision that needs the least: which one serves is not known before it was tried.</summary>
    private static long Weights(ServedModel model, ExecutionSetup setup) => setup.Plan.Min(rung => model.Package.FilesOf(rung.Precision).Weights.Bytes);

    /// <summary>Before anything is loaded: a process that takes more than there is is killed, with all its sessions.</summary>
    private void RequireRoom(ModelSource source, long bytes)
    {
        var free = freeMemory();
        if (bytes > free)
        {
            throw new ModelLoadException(
                $"there is no memory for the model '{source.Name}' beside what is loaded: its weights take {bytes >> 20} MiB, and {free >> 20} MiB are free. "
                + "Restart the server with it, or give the server more memory.");
        }
    }
}
