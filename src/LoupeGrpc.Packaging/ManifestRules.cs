using System.Globalization;

namespace LoupeGrpc.Packaging;

/// <summary>What must hold between the values of a manifest before a buffer gets its size from them.</summary>
internal static class ManifestRules
{
    // Far above any published model; a typing error or a hostile file must not decide how much is allocated.
    private const int LargestSide = 1 << 14;

    /// <summary>An error for each rule that is broken, without a full stop.</summary>
    public static List<string> Validate(ModelManifest manifest)
    {
        var errors = new List<string>();
        if (manifest.FormatVersion is not (PackageLayout.FormatVersion or PackageLayout.CalibratedFormatVersion))
        {
            // Other rules may have changed with the format.
            errors.Add($"formatVersion is {manifest.FormatVersion}, but this build reads {PackageLayout.FormatVersion} and {PackageLayout.CalibratedFormatVersion}");
            return errors;
        }

        if (manifest.Calibration is null != (manifest.FormatVersion == PackageLayout.FormatVersion))
        {
            errors.Add($"formatVersion is {manifest.FormatVersion}: {PackageLayout.CalibratedFormatVersion} is for packages with a calibration, and for no others");
        }

        CheckSize(errors, "imageSize", manifest.ImageSize);
        CheckSize(errors, "patchSize", manifest.PatchSize);
        CheckSize(errors, "grid", manifest.Grid);
        CheckSize(errors, "width", manifest.Width);
        CheckSize(errors, "queries", manifest.Queries);
        CheckSize(errors, "hidden", manifest.Hidden);
        CheckSize(errors, "maskFeatures", manifest.MaskFeatures);
        CheckSize(errors, "decoderPredictions", manifest.DecoderPredictions);
        CheckSize(errors, "maskGrid", manifest.MaskGrid);
        CheckSize(errors, "maskDecode.size", manifest.MaskDecode.Size);
        if (errors.Count > 0)
        {
            return errors;
        }

        if (string.IsNullOrWhiteSpace(manifest.Name))
        {
            errors.Add("name is empty");
        }

        if (manifest.Grid != manifest.ImageSize / manifest.PatchSize)
        {
            errors.Add($"grid is {manifest.Grid} but imageSize {manifest.ImageSize} divided by patchSize {manifest.PatchSize} is {manifest.ImageSize / manifest.PatchSize}");
        }

        if (manifest.MaskGrid != 4 * manifest.Grid)
        {
            errors.Add($"maskGrid is {manifest.MaskGrid}, not four times grid {manifest.Grid}");
        }

        CheckChannels(errors, "mean", manifest.Mean, static value => float.IsFinite(value));
        CheckChannels(errors, "std", manifest.Std, static value => float.IsFinite(value) && value > 0);
        if (!float.IsFinite(manifest.MaskDecode.Threshold))
        {
            errors.Add("maskDecode.threshold is not a finite number");
        }

        if (manifest.Tiles is { } tiles && !double.IsFinite(tiles.Bias))
        {
            errors.Add("tiles.bias is not a finite number");
        }

        if (manifest.Calibration is { } calibration)
        {
            CheckCalibration(errors, calibration);
        }

        CheckAdapted(errors, manifest);
        if (!PackageLayout.Precisions.Any(manifest.Precisions.ContainsKey))
        {
            errors.Add($"precisions has none of {string.Join(", ", PackageLayout.Precisions)}");
        }

        foreach (var (precision, files) in manifest.Precisions)
        {
            if ((PrecisionFiles?)files is null)
            {
                errors.Add($"precisions.{precision} is null");
            }
            else if (files.Quantization is { } quantization)
            {
                CheckQuantization(errors, $"precisions.{precision}.quantization", quantization);
            }
            else if (files.HalfTensors?.Except(PackageTensors.BetweenGraphs).ToList() is { Count: > 0 } others)
            {
                errors.Add($"precisions.{precision}.halfTensors names {string.Join(", ", others)}, but only {string.Join(", ", PackageTensors.BetweenGraphs)} may be of half precision");
            }
        }

        return errors;
    }

    private static void CheckSize(List<string> errors, string name, int value)
    {
        if (value is < 1 or > LargestSide)
        {
            errors.Add($"{name} is {value}; it must be from 1 to {LargestSide}");
        }
    }

    private static void CheckChannels(List<string> errors, string name, IReadOnlyList<float> values, Func<float, bool> isValid)
    {
        if (values.Count != 3 || !values.All(isValid))
        {
            errors.Add($"{name} must be three finite numbers{(name == "std" ? " above 0" : "")}");
        }
    }

    private static void CheckCalibration(List<string> errors, CalibrationSettings calibration)
    {
        // Far outside of what any fit gives: there every score would be 0, 0.5 or 1.
        if (calibration.Temperature is not (>= CalibrationSettings.MinTemperature and <= CalibrationSettings.MaxTemperature))
        {
            errors.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"calibration.temperature is {calibration.Temperature}; it must be from {CalibrationSettings.MinTemperature} to {CalibrationSettings.MaxTemperature}"));
        }

        if (!double.IsFinite(calibration.Bias))
        {
            errors.Add("calibration.bias is not a finite number");
        }

        if (calibration.Thresholds is not { Low: >= 0, High: > 0 and <= 1 } thresholds || thresholds.Low > thresholds.High)
        {
            errors.Add("calibration.thresholds do not satisfy 0 <= low <= high <= 1 with high above 0");
        }

        if (calibration.FalseAlarms is not (> 0 and < 1))
        {
            errors.Add("calibration.falseAlarms is not a share between 0 and 1");
        }
    }

    /// <summary>The graphs have their ranges as constants; these are for whoever wants to know, and to convert again.</summary>
    private static void CheckQuantization(List<string> errors, string name, QuantizationSettings quantization)
    {
        var wrong = quantization.Layers.Where(static layer => layer is null || !layer.Range.IsValid || !double.IsFinite(layer.Effect)).ToList();
        if (wrong.Count > 0)
        {
            errors.Add($"{name}.layers has {wrong.Count} whose range is none: low must be 0 or less, high 0 or more, and one of them not 0");
        }
    }

    private static void CheckAdapted(List<string> errors, ModelManifest manifest)
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
            errors.Add("adaptedTensors does not list the adapted tensors in their order with shapes that follow from hidden and maskFeatures");
        }
    }
}
