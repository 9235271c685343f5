namespace LoupeGrpc.Packaging;

/// <summary>
/// How scores were fitted to pictures of an operator, and what that rests on. With z the classifier's logit, and of a picture in tiles
/// log(mean(exp z)) - <see cref="TileSettings.Bias"/>, a score is the sigmoid of z / <see cref="Temperature"/> + <see cref="Bias"/>.
/// </summary>
public sealed record CalibrationSettings
{
    public const double MinTemperature = 1e-3;

    public const double MaxTemperature = 1e3;

    /// <summary>Above 1: scores are nearer to 0.5 than the model had them.</summary>
    public required double Temperature { get; init; }

    /// <summary>Added to the logit, after it is divided.</summary>
    public required double Bias { get; init; }

    /// <summary>Where a score becomes a verdict, unless the server's settings or a client say otherwise.</summary>
    public required CalibratedThresholds Thresholds { get; init; }

    /// <summary>The share of authentic pictures called manipulated that was wished for, above 0 and below 1.</summary>
    public required double FalseAlarms { get; init; }

    /// <summary>How sure it was wished to be that there are no more, above 0 and below 1; null: no more on average.</summary>
    public double? Confidence { get; init; }

    /// <summary>What there was of pictures that are looked at whole.</summary>
    public required CalibrationEvidence Whole { get; init; }

    /// <summary>And of those in tiles; null: the package has none.</summary>
    public CalibrationEvidence? Tiles { get; init; }

    /// <summary>SHA-256 of the list of pictures and what the model says of each, lower-case hex; the report of the command holds the list.</summary>
    public required string Pictures { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>The program and version that calibrated.</summary>
    public required string Producer { get; init; }

    /// <summary>What the model ran on.</summary>
    public required CalibrationExecution Execution { get; init; }

    /// <summary>What was calibrated.</summary>
    public required CalibrationParent Parent { get; init; }
}

/// <summary>Scores below <paramref name="Low"/> are authentic, those from <paramref name="High"/> on manipulated.</summary>
/// <param name="Low">0 to <paramref name="High"/>.</param>
/// <param name="High">Above 0, at most 1.</param>
public sealed record CalibratedThresholds(float Low, float High);

/// <summary>Pictures of one path, and what the calibration does on them.</summary>
/// <param name="Authentic">Pictures, each counted once however often it was there.</param>
/// <param name="Forged">Likewise.</param>
public sealed record CalibrationEvidence(int Authentic, int Forged)
{
    /// <summary>Authentic pictures called manipulated; null: there is no authentic picture.</summary>
    public ObservedRate? FalseAlarms { get; init; }

    /// <summary>Forged pictures called authentic; null: there is no forged picture.</summary>
    public ObservedRate? Misses { get; init; }

    /// <summary>With the scores of the parent; null without a picture of each class.</summary>
    public ScoreErrors? Before { get; init; }

    /// <summary>With the new scores, each picture judged by a calibration that was fitted without it; null where there are too few for that.</summary>
    public ScoreErrors? After { get; init; }
}

/// <summary>How often something happened, and how often it may happen on other pictures of the kind.</summary>
/// <param name="Low">Lower end of the interval of Clopper and Pearson at 95 %, 0 to 1.</param>
/// <param name="High">Its upper end.</param>
public sealed record ObservedRate(int Count, int Of, double Low, double High);

/// <summary>How far scores are from probabilities, both classes weighing the same.</summary>
/// <param name="LogLoss">Mean negative log likelihood in nats, 0 is best.</param>
/// <param name="CalibrationError">Expected calibration error over ten bins, 0 to 1, 0 is best.</param>
public sealed record ScoreErrors(double LogLoss, double CalibrationError);

/// <summary>What a model ran on, as results name it.</summary>
public sealed record CalibrationExecution(string Provider, string Precision);

/// <summary>The package that was calibrated.</summary>
/// <param name="Hash">SHA-256 of its manifest, lower-case hex.</param>
public sealed record CalibrationParent(string Name, string Version, string Hash);
