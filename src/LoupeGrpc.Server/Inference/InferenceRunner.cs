using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Inference;

/// <summary>Answers requests, whatever carries them: their pictures go the way of single ones, or into the session of their sequence.</summary>
internal sealed class InferenceRunner(
    InferenceModels models, PictureQueue pictures, Sequences sequences, InferenceStatistics statistics, ServingState serving, CallerQuotas quotas, LiveOptions live, TimeProvider time)
{
    /// <summary>For the numbers around a mask.</summary>
    private const int MinMaskBytes = 1 << 16;

    /// <param name="taken">Called when the account of frames has all pictures; not where it never comes to that.</param>
    /// <exception cref="InferenceException"/>
    /// <exception cref="OperationCanceledException"/>
    public async Task<InferenceAnswer> RunAsync(InferenceCall call, InferenceClient client, Action taken, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var version = InferenceModels.VersionOf(models.Find(call.Model, call.Version));
        try
        {
            if (serving.IsDraining)
            {
                throw new InferenceException(ServerBusy.Stopping);
            }

            var settings = SettingsOf(call);
            var findings = call.Parameters.Sequence is null
                ? await AnalyzeAsync(call, settings, client, taken, cancellationToken).ConfigureAwait(false)
                : await sequences.AnalyzeAsync(call, settings, client, taken, cancellationToken).ConfigureAwait(false);
            var outputs = InferenceResults.ToTensors(findings.Ends, call.Outputs, live.Current);
            version = findings.Model!.ShortHash;
            if (call.Version.Length > 0 && call.Version != version)
            {
                // It was replaced meanwhile, or the sequence began on another.
                throw models.NotFound(call.Model, call.Version);
            }

            statistics.Succeeded(call.Model, version, findings.Ends, time.GetElapsedTime(began), time.GetUtcNow());
            return new InferenceAnswer(call.Model, version, call.Id, outputs, ParametersOf(call, findings));
        }
        catch (InferenceException)
        {
            statistics.Failed(call.Model, version, time.GetElapsedTime(began));
            throw;
        }
    }

    private AnalysisSettings SettingsOf(InferenceCall call)
    {
        var limits = live.Current.Limits;
        var soft = call.Outputs.Contains(OutputNames.SoftMask);
        var hasMasks = soft || call.Outputs.Contains(OutputNames.Mask) || call.Outputs.Contains(OutputNames.MaskSize);
        if (soft && call.Parameters.Mask is { } wanted and not MaskPolicy.Always)
        {
            throw InferenceException.Invalid($"output '{OutputNames.SoftMask}' needs a mask of every picture: parameter 'mask' must be always, or left out");
        }

        // What adapts learns by making masks.
        var policy = call.Parameters.Mask ?? (soft ? MaskPolicy.Always : hasMasks || call.Parameters.Sequence is not null ? MaskPolicy.WhenSuspected : MaskPolicy.Never);
        var share = limits.MaxResponseBytes / call.Pictures.Count;
        return new AnalysisSettings
        {
            Thresholds = call.Parameters.Thresholds,
            Mask = new MaskRequest(policy, MaskEncoding.Rle, (uint)Math.Max(soft ? share : Math.Min(share, AnalysisSettings.DefaultResponseBytes), MinMaskBytes)) { Soft = soft },
            Tiles = new TileRequest(call.Parameters.Tiles, TileRequests.Default(limits)),
            MaxResponseBytes = limits.MaxResponseBytes,
        };
    }

    private async Task<InferenceFindings> AnalyzeAsync(InferenceCall call, AnalysisSettings settings, InferenceClient client, Action taken, CancellationToken cancellationToken)
    {
        var quota = quotas.Of(client.Caller);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var atOnce = live.Current.Engine.MaxFramesInPipeline;
        var answers = new List<Task<PictureAnswer>>(call.Pictures.Count);
        try
        {
            foreach (var picture in call.Pictures)
            {
                if (answers.Count >= atOnce && (await answers[^atOnce].ConfigureAwait(false)).End is FrameEnd.Failed)
                {
                    break;
                }

                answers.Add(pictures.AnalyzeAsync(client.Connection, quota, new PictureRequest(picture, settings, call.Model), stop.Token));
            }

            taken();
            foreach (var answer in answers)
            {
                if ((await answer.ConfigureAwait(false)).End is FrameEnd.Failed)
                {
                    await stop.CancelAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var all = await Task.WhenAll(answers).ConfigureAwait(false);
        var found = all.Select(static answer => answer.Model).OfType<ModelDescription>().Distinct().ToList();
        return found.Count == 1 || all.Any(static answer => answer.End is FrameEnd.Failed)
            ? new InferenceFindings([.. all.Select(static answer => answer.End)], found.FirstOrDefault())
            : throw InferenceException.Of(new FrameFailure(FailureKind.Canceled, $"model '{call.Model}' was replaced while the pictures were analysed: send them again"));
    }

    private static List<KeyValuePair<string, object>> ParametersOf(InferenceCall call, InferenceFindings findings) =>
        call.Parameters.Sequence is null ? []
        : findings.Ends.OfType<FrameEnd.Analysed>().LastOrDefault()?.Analysis.Adaptation is { } adaptation ? [new("adaptation_step", adaptation.Step)]
        : [new("adaptation_unavailable", findings.Unadapted ?? "the session does not adapt")];
}
