namespace LoupeGrpc.Packaging;

/// <summary>What must hold between the values of a manifest before anything sizes a buffer by them.</summary>
internal static class ManifestRules
{
    // Far above any published model; a typing mistake or a hostile file must not size an allocation.
    private const int LargestSide = 1 << 14;

    /// <summary>Every rule that is broken, each as half a sentence; empty when none is.</summary>
    public static List<string> Check(ModelManifest manifest)
    {
        var mistakes = new List<string>();
        if (manifest.FormatVersion != PackageLayout.FormatVersion)
        {
            // Other rules may have changed with the format.
            mistakes.Add($"formatVersion is {manifest.FormatVersion} and this build reads {PackageLayout.FormatVersion}");
            return mistakes;
        }

        CheckSize(mistakes, "imageSize", manifest.ImageSize);
        CheckSize(mistakes, "patchSize", manifest.PatchSize);
        CheckSize(mistakes, "grid", manifest.Grid);
        CheckSize(mistakes, "width", manifest.Width);
        CheckSize(mistakes, "queries", manifest.Queries);
        CheckSize(mistakes, "hidden", manifest.Hidden);
        CheckSize(mistakes, "maskFeatures", manifest.MaskFeatures);
        CheckSize(mistakes, "decoderPredictions", manifest.DecoderPredictions);
        CheckSize(mistakes, "maskGrid", manifest.MaskGrid);
        CheckSize(mistakes, "maskDecode.size", manifest.MaskDecode.Size);
        if (mistakes.Count > 0)
        {
            return mistakes;
        }

        if (string.IsNullOrWhiteSpace(manifest.Name))
        {
            mistakes.Add("name is empty");
        }

        if (manifest.Grid != manifest.ImageSize / manifest.PatchSize)
        {
            mistakes.Add($"grid is {manifest.Grid} but imageSize {manifest.ImageSize} over patchSize {manifest.PatchSize} is {manifest.ImageSize / manifest.PatchSize}");
        }

        if (manifest.MaskGrid != 4 * manifest.Grid)
        {
            mistakes.Add($"maskGrid is {manifest.MaskGrid}, not four times grid {manifest.Grid}");
        }

        CheckChannels(mistakes, "mean", manifest.Mean, static value => float.IsFinite(value));
        CheckChannels(mistakes, "std", manifest.Std, static value => float.IsFinite(value) && value > 0);
        if (!float.IsFinite(manifest.MaskDecode.Threshold))
        {
            mistakes.Add("maskDecode.threshold is not a finite number");
        }

        CheckAdapted(mistakes, manifest);
        if (!PackageLayout.Precisions.Any(manifest.Precisions.ContainsKey))
        {
            mistakes.Add($"precisions has none of {string.Join(", ", PackageLayout.Precisions)}");
        }

        foreach (var (precision, files) in manifest.Precisions)
        {
            if ((PrecisionFiles?)files is null)
            {
                mistakes.Add($"precisions.{precision} is null");
            }
            else if (files.HalfTensors?.Except(PackageTensors.BetweenGraphs).ToList() is { Count: > 0 } others)
            {
                mistakes.Add($"precisions.{precision}.halfTensors names {string.Join(", ", others)}, but only {string.Join(", ", PackageTensors.BetweenGraphs)} may be of half precision");
            }
        }

        return mistakes;
    }

    private static void CheckSize(List<string> mistakes, string name, int value)
    {
        if (value is < 1 or > LargestSide)
        {
            mistakes.Add($"{name} is {value}, outside 1 … {LargestSide}");
        }
    }

    private static void CheckChannels(List<string> mistakes, string name, IReadOnlyList<float> values, Func<float, bool> isValid)
    {
        if (values.Count != 3 || !values.All(isValid))
        {
            mistakes.Add($"{name} must be three finite numbers{(name == "std" ? " above 0" : "")}");
        }
    }

    private static void CheckAdapted(List<string> mistakes, ModelManifest manifest)
    {
        int hidden = manifest.Hidden;
        int[][] shapes =
        [
            [hidden], [hidden],
            [hidden, hidden], [hidden],
            [hidden, hidden], [hidden],
            [manifest.MaskFeatures, hidden], [manifest.MaskFeatures],
            [2, hidden], [2],
        ];
        bool same = manifest.AdaptedTensors.Count == shapes.Length;
        for (int i = 0; same && i < shapes.Length; i++)
        {
            // JSON may hold null where the type says there is none.
            AdaptedTensor? tensor = manifest.AdaptedTensors[i];
            same = tensor?.Name == PackageTensors.Adapted[i] && tensor.Shape.SequenceEqual(shapes[i]);
        }

        if (!same)
        {
            mistakes.Add("adaptedTensors does not list the adapted tensors in their order with shapes that follow from hidden and maskFeatures");
        }
    }
}
