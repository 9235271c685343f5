using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Quality;
using LoupeGrpc.Server.Calibration;
using LoupeGrpc.UnitTests.Packaging;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Calibration;

/// <summary>From what the model says of pictures to the manifest of a calibrated package.</summary>
public sealed class CalibratedManifestTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 27, 12, 34, 56, 789, TimeSpan.Zero);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("loupe-tests-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void It_says_what_it_rests_on()
    {
        var parent = Parent(tiles: true);
        var sample = Sample(Row(40, -8, forged: false, spread: 12), Row(30, 8, forged: true, spread: 12), Row(20, -4, forged: false, tiled: true));

        var made = Make(parent, sample, 0.1);

        var calibration = made.Calibration;
        Assert.Equal((3, "1.0-calibrated-" + calibration.Pictures[..8]), (made.Manifest.FormatVersion, made.Manifest.Version));
        Assert.Equal(new CalibrationParent("sample", "1.0", parent.Hash), calibration.Parent);
        Assert.Equal(new CalibrationExecution("CPU", "fp32"), calibration.Execution);
        Assert.Equal(new DateTimeOffset(2026, 11, 27, 12, 34, 56, TimeSpan.Zero), calibration.MadeAt);
        Assert.Equal((40, 30, 20, 0), (calibration.Whole.Authentic, calibration.Whole.Forged, calibration.Tiles!.Authentic, calibration.Tiles.Forged));
        Assert.Equal((3, 40), (calibration.Whole.FalseAlarms!.Count, calibration.Whole.FalseAlarms.Of));
        Assert.Equal((1, 20), (calibration.Tiles.FalseAlarms!.Count, calibration.Tiles.FalseAlarms.Of));
        Assert.InRange(calibration.Whole.After!.LogLoss, 0.01, calibration.Whole.Before!.LogLoss);
        Assert.Null(calibration.Tiles.Misses);
        // What is recorded is what the engine will do.
        var (scale, high) = (ScoreScale.Of(made.Manifest), calibration.Thresholds.High);
        Assert.Equal(3, sample.Pictures.Count(picture => picture.Judged is { IsForged: false, IsTiled: false } && scale.OfWhole((float)picture.Judged.Logit) >= high));
        Assert.Equal(1, sample.Pictures.Count(picture => picture.Judged is { IsForged: false, IsTiled: true } && scale.OfTiles(picture.Judged.Logit) >= high));
        Assert.Equal(made.Manifest.Calibration, ModelManifest.Parse(made.Manifest.ToBytes()).Calibration);
    }

    [Fact]
    public void The_same_pictures_give_the_same_mark_and_others_another()
    {
        var parent = Parent(tiles: false);
        var one = Make(parent, Sample(Row(40, -2, forged: false)), 0.1);

        Assert.Equal(one.Manifest.Version, Make(parent, Sample(Row(40, -2, forged: false)), 0.1).Manifest.Version);
        Assert.NotEqual(one.Manifest.Version, Make(parent, Sample(Row(40, -2.001, forged: false)), 0.1).Manifest.Version);
        Assert.Equal("mine", CalibratedManifest.Of(parent, Sample(Row(40, -2, forged: false)), new CalibrationRequest(new RatePromise(0.1, null), "mine"), Cpu, Now).Manifest.Version);
    }

    [Fact]
    public void A_calibrated_package_is_calibrated_anew_and_not_twice()
    {
        var sample = Sample(Row(40, -2, forged: false), Row(40, 2, forged: true));
        var first = Make(Parent(tiles: false), sample, 0.1);
        File.WriteAllBytes(Path.Combine(_directory.FullName, PackageLayout.Manifest), first.Manifest.ToBytes());

        var second = Make(ModelPackage.Open(_directory.FullName), sample, 0.1);

        Assert.Equal(first.Manifest.Version, second.Manifest.Version);
        Assert.Equal((first.Calibration.Temperature, first.Calibration.Bias, first.Calibration.Thresholds), (second.Calibration.Temperature, second.Calibration.Bias, second.Calibration.Thresholds));
        Assert.NotEqual(first.Calibration.Parent, second.Calibration.Parent);
    }

    [Fact]
    public void Scores_that_no_threshold_parts_are_refused()
    {
        // All of them are 1 in single precision.
        var exception = Assert.Throws<CalibrationException>(() => Make(Parent(tiles: false), Sample(Row(40, 60, forged: false)), 0.1));

        Assert.Contains("no threshold leaves them out", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Logits_apart_by_less_than_a_score_can_show_keep_the_promise()
    {
        var made = Make(Parent(tiles: false), Sample(Row(40, 12, forged: false, spread: 1e-6)), 0.1);

        Assert.True(made.Calibration.Whole.FalseAlarms!.Count <= 3, $"{made.Calibration.Whole.FalseAlarms}");
    }

    [Fact]
    public void Too_few_pictures_are_said_with_how_many_are_needed()
    {
        var few = Sample(Row(18, 0, forged: false));

        var exception = Assert.Throws<CalibrationException>(() => Make(Parent(tiles: false), few, 0.05));
        Assert.StartsWith("18 authentic pictures are too few for 5 % false alarms: at least 19 are needed.", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<CalibrationException>(() => CalibratedManifest.Of(Parent(tiles: false), few, new CalibrationRequest(new RatePromise(0.05, 0.95), null), Cpu, Now));
        Assert.StartsWith("18 authentic pictures are too few to be 95 % sure of at most 5 % false alarms: at least 59 are needed.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_calibration_does_not_rest_on_is_warned_of()
    {
        var warnings = Make(Parent(tiles: true), Sample(Row(30, 1, forged: false), Row(12, 0, forged: true)), 0.05).Warnings;

        Assert.Equal(
            [
                "30 authentic pictures looked at whole cannot show that at most 5 % of others are false alarms: the true rate may be up to 11.57 %. 59 are the least with which one can be 95 % sure.",
                "temperature and bias stay as they were: forged pictures have no higher scores than authentic ones. The model does not see these forgeries; thresholds do not change that.",
                "too few authentic pictures are looked at in tiles (0, at least 19 are needed): the bias of tiles stays, and nothing is known of false alarms among those.",
                "the lower threshold follows the upper one at its old distance: there are fewer than 19 forged pictures to say how many 5 % are.",
            ],
            warnings);
    }

    [Fact]
    public void A_picture_counts_once_and_is_not_both()
    {
        var picture = Row(1, 0, forged: false)[0];

        var sample = CalibrationSample.Of([picture, picture with { Path = "again.png" }], []);
        Assert.Equal(("again.png", 1), (Assert.Single(sample.Copies), sample.Pictures.Count));
        var exception = Assert.Throws<CalibrationException>(() => CalibrationSample.Of([picture, picture with { Path = "other.png", Judged = picture.Judged with { IsForged = true } }], []));
        Assert.Contains($"{picture.Path} and other.png", exception.Message, StringComparison.Ordinal);
    }

    private static ExecutionDescription Cpu => new("CPU", "fp32", "");

    private static CalibratedManifest Make(ModelPackage parent, CalibrationSample sample, double falseAlarms) =>
        CalibratedManifest.Of(parent, sample, new CalibrationRequest(new RatePromise(falseAlarms, null), null), Cpu, Now);

    private ModelPackage Parent(bool tiles)
    {
        var manifest = PackageSamples.Write(_directory.FullName) with { Tiles = tiles ? new TileSettings(0) : null };
        File.WriteAllBytes(Path.Combine(_directory.FullName, PackageLayout.Manifest), manifest.ToBytes());
        return ModelPackage.Open(_directory.FullName);
    }

    private static CalibrationSample Sample(params CalibrationPicture[][] rows) => CalibrationSample.Of(rows.SelectMany(static row => row), []);

    /// <summary>Evenly spread about <paramref name="centre"/>, in an order that has nothing to do with it.</summary>
    private static CalibrationPicture[] Row(int count, double centre, bool forged, bool tiled = false, double spread = 3) =>
    [
        .. Enumerable.Range(0, count).Select(index =>
        {
            // As the model's are: single precision.
            var logit = (float)(centre + (spread * ((2.0 * index / Math.Max(1, count - 1)) - 1)));
            var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([(byte)index, forged ? (byte)1 : (byte)0, tiled ? (byte)1 : (byte)0]));
            return new CalibrationPicture($"{(forged ? "forged" : "authentic")}-{index}.png", hash, new JudgedLogit(forged, tiled, logit), Before: 0.5f);
        }),
    ];
}
