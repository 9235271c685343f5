using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Quantization;

/// <summary>Ranges of all layers on some pictures, and what layers in 8 bits do to the answers. Not thread-safe.</summary>
internal sealed class LayerTrials
{
    private readonly TrialModel _model;
    private readonly AnswerReader _reader;
    private readonly IReadOnlyList<float[]> _pictures;
    private readonly List<EncoderTrial> _encoded = [];
    private readonly List<PictureAnswer> _answers = [];

    private LayerTrials(TrialModel model, AnswerReader reader, IReadOnlyList<float[]> pictures) => (_model, _reader, _pictures) = (model, reader, pictures);

    public IReadOnlyList<string> Layers => _model.Layers;

    /// <summary>Of each layer's input on all pictures.</summary>
    public IReadOnlyList<ActivationRange> Ranges { get; private set; } = [];

    /// <summary>Single precision's, picture by picture.</summary>
    public IReadOnlyList<PictureAnswer> Answers => _answers;

    /// <summary>Runs every picture once in single precision.</summary>
    public static LayerTrials Begin(TrialModel model, AnswerReader reader, IReadOnlyList<float[]> pictures, CancellationToken cancellationToken)
    {
        var trials = new LayerTrials(model, reader, pictures);
        var none = TrialForm.None(model.Layers.Count);
        List<float[]> lows = [], highs = [];
        foreach (var pixels in pictures)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var encoded = model.Encode(pixels, none);
            var segmented = model.Segment(encoded, none);
            trials._encoded.Add(encoded);
            trials._answers.Add(reader.Read(encoded.Score, segmented.MaskLogits, segmented.ClassLogits));
            lows.Add([.. encoded.Extremes.Low, .. segmented.Extremes.Low]);
            highs.Add([.. encoded.Extremes.High, .. segmented.Extremes.High]);
        }

        trials.Ranges = [.. model.Layers.Select((_, layer) => ActivationRange.Of(lows.Min(low => low[layer]), highs.Max(high => high[layer])))];
        return trials;
    }

    /// <summary>How far answers with some layers in 8 bits are from single precision's.</summary>
    /// <param name="pictures">Indices.</param>
    public AnswerDistances Try(bool[] quantized, IReadOnlyList<int> pictures, CancellationToken cancellationToken)
    {
        var form = TrialForm.Of(quantized, Ranges);
        bool inEncoder = quantized.AsSpan(0, _model.EncoderLayers).Contains(true);
        List<PictureAnswer> answers = [];
        foreach (int picture in pictures)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var encoded = inEncoder ? _model.Encode(_pictures[picture], form) : _encoded[picture];
            var segmented = _model.Segment(encoded, form);
            answers.Add(_reader.Read(encoded.Score, segmented.MaskLogits, segmented.ClassLogits));
        }

        return AnswerDistances.Of([.. pictures.Select(picture => _answers[picture])], answers);
    }
}
