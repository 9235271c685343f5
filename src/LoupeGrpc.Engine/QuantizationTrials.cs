using System.Globalization;
using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Engine.Quantization;
using LoupeGrpc.Packaging;
using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine;

/// <summary>
/// Finds out how a package that is being written is quantised: the ranges of its layers' inputs on given pictures, which layers can be in 8 bits, and how far the
/// answers then are from single precision's.
/// </summary>
public static class QuantizationTrials
{
    /// <summary>Measures and chooses. Each layer is tried alone, on four of the pictures: minutes for a large model.</summary>
    /// <param name="staged">With single precision.</param>
    /// <param name="progress">Called with the layers that were tried and all that there are; null for nobody.</param>
    /// <exception cref="ModelLoadException">The graphs do not run, or the answers do not keep to the bound; the message has the figures.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static QuantizationSettings Choose(
        ModelPackage staged,
        QuantizationTrial trial,
        QuantizationPictures pictures,
        QuantizationBound bound,
        Action<int, int>? progress,
        CancellationToken cancellationToken)
    {
        using var model = TrialModel.Load(staged, trial);
        using var reader = new AnswerReader(staged.Manifest);
        var trials = LayerTrials.Begin(model, reader, pictures.Pixels, cancellationToken);
        var choice = LayerChoice.Make(trials, bound, tried => progress?.Invoke(tried, trials.Layers.Count), cancellationToken);
        Require(choice.Distances, bound, pictures.Count);
        return Describe(pictures, choice.Distances, [.. trials.Layers.Select((name, layer) => new QuantizedLayer(
            name,
            choice.Quantized[layer] ? PackageLayout.Int8 : PackageLayout.Fp32,
            trials.Ranges[layer],
            Math.Round(choice.Effects[layer], 4)))]);
    }

    /// <summary>Compares the finished graphs with single precision's, on the pictures of the choice: what was chosen was measured on others.</summary>
    /// <param name="staged">With both precisions.</param>
    /// <returns>The settings with these figures.</returns>
    /// <exception cref="ModelLoadException">The answers do not keep to the bound; the message has the figures.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static QuantizationSettings Verify(ModelPackage staged, QuantizationPictures pictures, QuantizationBound bound, CancellationToken cancellationToken)
    {
        var expected = Answer(staged, PackageLayout.Fp32, pictures, cancellationToken);
        var distances = AnswerDistances.Of(expected, Answer(staged, PackageLayout.Int8, pictures, cancellationToken));
        Require(distances, bound, pictures.Count);
        return Describe(pictures, distances, staged.FilesOf(PackageLayout.Int8).Quantization!.Layers);
    }

    private static QuantizationSettings Describe(QuantizationPictures pictures, AnswerDistances distances, IReadOnlyList<QuantizedLayer> layers) => new(
        pictures.Count,
        pictures.Sha256,
        new ScoreDifferenceFigures(distances.Scores.Average(), distances.Scores.Max()),
        new IouFigures(distances.Ious.Average(), distances.Ious.Min()),
        layers);

    private static List<PictureAnswer> Answer(ModelPackage package, string precision, QuantizationPictures pictures, CancellationToken cancellationToken)
    {
        using var model = LoupeModel.Load(package, ExecutionTarget.Cpu with { Precision = precision }, Environment.ProcessorCount);
        using var slot = RunSlot.Allocate(model, rows: 1);
        using var pixels = model.CreatePixels();
        using var reader = new AnswerReader(package.Manifest);
        List<PictureAnswer> answers = [];
        try
        {
            foreach (var picture in pictures.Pixels)
            {
                cancellationToken.ThrowIfCancellationRequested();
                picture.CopyTo(pixels.Values);
                slot.Encode(pixels);
                slot.PseudoLabels.Values[0] = Scores.OfLogit(slot.ClsLogits.Values[0]);
                slot.Segment(new RowRange(0, 1));
                answers.Add(reader.Read(slot.PseudoLabels.Values[0], slot.MaskLogits.Row(0), slot.ClassLogits.Row(0)));
            }

            return answers;
        }
        catch (OnnxRuntimeException exception)
        {
            throw new ModelLoadException($"{package.Directory}: the graphs in {precision} do not run: {OrtMessage.Of(exception)}", exception);
        }
    }

    private static void Require(AnswerDistances distances, QuantizationBound bound, int pictures)
    {
        if (distances.ShareOf(bound) > 1)
        {
            throw new ModelLoadException(string.Create(
                CultureInfo.InvariantCulture,
                $"{PackageLayout.Int8} is not exact enough for this model: on {pictures} pictures {distances}; {bound}. Convert it with --precision {PackageLayout.Fp32}."));
        }
    }
}
