using LoupeGrpc.Packaging;

namespace LoupeGrpc.Server.Commands;

/// <summary>How a package was quantised, for people.</summary>
internal static class QuantizationText
{
    public static IEnumerable<string> Of(QuantizationSettings settings)
    {
        var single = settings.Layers.Where(static layer => layer.Precision != PackageLayout.Int8).ToList();
        yield return FormattableString.Invariant(
            $"int8        {settings.Layers.Count - single.Count} of {settings.Layers.Count} layers, on {settings.Pictures} pictures: scores differ by {settings.ScoreDifference.Mean:0.0000} on average and {settings.ScoreDifference.Most:0.0000} at most,");
        yield return FormattableString.Invariant(
            $"            masks overlap with fp32's by an IoU of {settings.Iou.Mean:0.000} on average and {settings.Iou.Least:0.000} at least");
        foreach (var layer in single)
        {
            yield return FormattableString.Invariant($"            fp32: {layer.Name}, which alone takes {layer.Effect:0%} of what is allowed");
        }
    }
}
