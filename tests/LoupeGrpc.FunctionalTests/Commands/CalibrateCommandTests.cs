using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Commands;
using LoupeGrpc.TestSupport;
using OpenCvSharp;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary>`calibrate` as a program, with the embedded model, and what a server does with the package that it writes.</summary>
public sealed class CalibrateCommandTests(NanoEngine nano) : IDisposable
{
    private const string Forged = "forged-cat-in-coffee.jpg";

    private static readonly string Samples = Path.Combine(TestData.RepositoryRoot, "samples");

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_server_on_the_new_package_has_its_scores_and_thresholds()
    {
        Cut("authentic", large: 6);
        Cut("forged", large: 0);
        await File.WriteAllTextAsync(_folder["authentic", "notes.txt"], "no picture", Patience.Token());
        File.Copy(Directory.GetFiles(_folder["authentic"], "*.png")[0], _folder["authentic", "again.png"]);

        var (code, output, error) = await CalibrateAsync("--forged", _folder["forged"], "--false-alarms", "0.2", "--report", _folder["report.json"]);

        Assert.True(code == 0, error);
        var package = ModelPackage.Open(_folder["new"], PackageCheck.Hashes);
        Assert.Equal($"loupe-nano@{package.ShortHash} {package.Directory}\n", output);
        var calibration = package.Manifest.Calibration!;
        Assert.StartsWith("1-calibrated-", package.Manifest.Version, StringComparison.Ordinal);
        Assert.Equal(new CalibrationParent("loupe-nano", "1", nano.Package.Hash), calibration.Parent);
        Assert.Equal(nano.Package.Files(), package.Files());
        Assert.NotEqual(1, calibration.Temperature);
        Assert.NotEqual(0, package.Manifest.Tiles!.Bias);
        Assert.Equal((24, 24, 6, 0), (calibration.Whole.Authentic, calibration.Whole.Forged, calibration.Tiles!.Authentic, calibration.Tiles.Forged));
        Assert.InRange((double)calibration.Whole.FalseAlarms!.Count / 24, 0, 0.2);
        Assert.NotNull(calibration.Whole.After);
        Assert.Contains("analysed 56 of 56 files", error, StringComparison.Ordinal);
        Assert.Contains($"warning: 1 files left out:\n  {_folder["authentic", "notes.txt"]}: ", error, StringComparison.Ordinal);
        Assert.Contains("warning: 1 files are copies of others, and count once:\n", error, StringComparison.Ordinal);

        await AssertReportAsync(package);
        await AssertServedAsync(package, calibration);
        var (_, inspected, _) = await ServerProcess.RunAsync(["inspect", _folder["new"]]);
        Assert.Contains($"from loupe-nano@{nano.Package.ShortHash}, version 1\n", inspected, StringComparison.Ordinal);
        Assert.Contains("thresholds  AUTHENTIC below ", inspected, StringComparison.Ordinal);

        // The same pictures, the same package: only the time is another.
        Assert.Equal(0, (await CalibrateAsync("--forged", _folder["forged"], "--false-alarms", "0.2", "--overwrite")).Code);
        Assert.Equal(calibration with { MadeAt = default }, ModelPackage.Open(_folder["new"]).Manifest.Calibration! with { MadeAt = default });
    }

    [Fact]
    public async Task Of_authentic_pictures_alone_scores_stay_and_thresholds_change()
    {
        Cut("authentic", large: 0);

        var (code, _, error) = await CalibrateAsync("--false-alarms", "0.1", "--model-version", "mine");

        Assert.True(code == 0, error);
        var manifest = ModelPackage.Open(_folder["new"]).Manifest;
        Assert.Equal(("mine", 1.0, 0.0, 0.0), (manifest.Version, manifest.Calibration!.Temperature, manifest.Calibration.Bias, manifest.Tiles!.Bias));
        Assert.NotEqual(new CalibratedThresholds(0.4f, 0.6f), manifest.Calibration.Thresholds);
        Assert.Contains("warning: 24 authentic pictures looked at whole cannot show that at most 10 % of others are false alarms", error, StringComparison.Ordinal);
        Assert.Contains("warning: temperature and bias stay as they were: fewer than 10 pictures of a class.", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "--false-alarms is 0: expected a share above 0 and below 1, as in 0.05", "--false-alarms", "0")]
    [InlineData(2, "--false-alarms is NaN: expected a share", "--false-alarms", "NaN")]
    [InlineData(2, "--confidence is 1: expected a share", "--confidence", "1")]
    [InlineData(2, "--authentic and --forged are the same folder", "--forged", "FOLDER/authentic/")]
    [InlineData(2, "--forged is inside of --authentic", "--forged", "FOLDER/authentic/deeper")]
    [InlineData(2, "--authentic and --forged are the same folder", "--forged", "FOLDER/link")]
    [InlineData(1, "nowhere is not there: expected a folder of pictures.", "--forged", "FOLDER/nowhere")]
    [InlineData(1, "empty holds no files: expected forged pictures, or no --forged.", "--forged", "FOLDER/empty")]
    [InlineData(1, "authentic are too few for 1 % false alarms: at least 99 are needed.", "--false-alarms", "0.01")]
    [InlineData(1, "authentic are too few to be 95 % sure of at most 5 % false alarms: at least 59 are needed.", "--confidence", "0.95")]
    [InlineData(1, "is not a model package", "--model", "FOLDER/empty")]
    [InlineData(1, "the same picture is both authentic and forged", "--forged", "FOLDER/other", "--false-alarms", "0.2")]
    [InlineData(1, "report.json", "--report", "FOLDER/nowhere/report.json", "--false-alarms", "0.2")]
    [InlineData(1, "is a folder: --report needs the name of a file.", "--report", "FOLDER/empty", "--false-alarms", "0.2")]
    public async Task What_makes_no_sense_is_refused_and_leaves_nothing(int code, string reason, params string[] arguments)
    {
        Cut("authentic", large: 0);
        Directory.CreateDirectory(_folder["empty"]);
        Directory.CreateDirectory(_folder["authentic", "deeper"]);
        Directory.CreateSymbolicLink(_folder["link"], _folder["authentic"]);
        Directory.CreateDirectory(_folder["other"]);
        File.Copy(Directory.GetFiles(_folder["authentic"])[0], _folder["other", "one.png"]);
        var before = Directory.GetFileSystemEntries(_folder.FullName);

        var run = await CalibrateAsync([.. arguments.Select(argument => argument.Replace("FOLDER", _folder.FullName, StringComparison.Ordinal))]);

        Assert.Equal((code, string.Empty), (run.Code, run.Output));
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(_folder.FullName).Order());
    }

    [Fact]
    public async Task An_output_that_is_taken_is_told_before_any_work()
    {
        Cut("authentic", large: 0);
        Directory.CreateDirectory(_folder["new"]);
        await File.WriteAllTextAsync(_folder["new", "mine.txt"], "mine", Patience.Token());

        var (code, _, error) = await CalibrateAsync("--false-alarms", "0.2");

        Assert.Equal(1, code);
        Assert.Contains("new holds files that are not a model package. They were left alone", error, StringComparison.Ordinal);
        Assert.DoesNotContain("analysed", error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(_folder["new", "mine.txt"], Patience.Token()));
        // Nor is the package that is read ever written.
        (code, _, error) = await ServerProcess.RunAsync(
            ["calibrate", "--model", nano.Package.Directory, "--authentic", _folder["authentic"], "--false-alarms", "0.2", "--output", nano.Package.Directory, "--overwrite"]);
        Assert.Equal(1, code);
        Assert.Contains("is the package that is read: choose another output.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_leaves_nothing()
    {
        Cut("authentic", large: 0);
        Directory.CreateDirectory(_folder["disk"]);
        Assert.SkipUnless((await ClientProcess.RunAsync("mount -t tmpfs -o size=2m tmpfs disk", _folder.FullName)).ExitCode == 0, "no disk can be mounted here");
        try
        {
            var (code, output, error) = await ServerProcess.RunAsync(
                ["calibrate", "--model", nano.Package.Directory, "--authentic", _folder["authentic"], "--false-alarms", "0.2", "--output", _folder["disk", "new"]]);

            Assert.Equal((1, string.Empty), (code, output));
            Assert.Contains("error: The package cannot be written to ", error, StringComparison.Ordinal);
            Assert.Contains("No space left on device", error, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFileSystemEntries(_folder["disk"]));
        }
        finally
        {
            await ClientProcess.RunAsync("umount disk", _folder.FullName);
        }
    }

    [Theory]
    [InlineData("analysed 8 of ")]
    [InlineData("thresholds  AUTHENTIC")]
    public async Task Who_interrupts_it_finds_nothing(string line)
    {
        Cut("authentic", large: 0);
        var before = Directory.GetFileSystemEntries(_folder.FullName);
        using var interruption = new CancellationTokenSource();
        await using var output = new StringWriter();
        await using var error = new InterruptingWriter(line, interruption);

        var code = await ServerCommandLine.RunAsync(
            ["calibrate", "--model", nano.Package.Directory, "--authentic", _folder["authentic"], "--false-alarms", "0.2", "--output", _folder["new"], "--report", _folder["report.json"]],
            output, error, interruption.Token);

        Assert.Equal((130, string.Empty), (code, output.ToString()));
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder.FullName));
    }

    private static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    private Task<(int Code, string Output, string Error)> CalibrateAsync(params string[] more) => ServerProcess.RunAsync(
        [
            "calibrate", "--authentic", _folder["authentic"], "--output", _folder["new"], .. more.Contains("--model") ? [] : (string[])["--model", nano.Package.Directory], .. more,
        ],
        ("Loupe__Model__CacheDirectory", nano.CacheDirectory));

    /// <summary>Parts of the samples of a kind, each another picture, and some enlarged beyond what is looked at whole.</summary>
    private void Cut(string kind, int large)
    {
        Directory.CreateDirectory(_folder[kind]);
        foreach (var path in Directory.GetFiles(Samples, $"{kind}-*").Where(static path => !path.EndsWith(".mask.png", StringComparison.Ordinal)))
        {
            using var picture = Cv2.ImRead(path);
            var (width, height) = (picture.Width * 4 / 5, picture.Height * 4 / 5);
            for (var part = 0; part < 4; part++)
            {
                var place = new Rect(part % 2 * (picture.Width - width), part / 2 * (picture.Height - height), width, height);
                using var cut = new Mat(picture, place);
                // Below 2.5 times the model's input.
                using var small = cut.Resize(new Size(256, 256 * height / width));
                Cv2.ImWrite(_folder[kind, $"{Path.GetFileNameWithoutExtension(path)}-{part}.png"], small);
            }

            if (large-- > 0)
            {
                using var enlarged = picture.Resize(new Size(700, 400));
                Cv2.ImWrite(_folder[kind, $"{Path.GetFileNameWithoutExtension(path)}-large.png"], enlarged);
            }
        }
    }

    /// <summary>The report has each picture with what its score is made of, and the digest in the package is that of this list.</summary>
    private async Task AssertReportAsync(ModelPackage package)
    {
        var report = JsonNode.Parse(await File.ReadAllTextAsync(_folder["report.json"], Patience.Token()))!;
        Assert.Equal(package.Hash, (string?)report["hash"]);
        Assert.Equal(_folder["authentic", "notes.txt"], (string?)Assert.Single(report["left_out"]!.AsArray())!["path"]);
        Assert.Single(report["copies"]!.AsArray());
        var pictures = report["pictures"]!.AsArray();
        Assert.Equal(54, pictures.Count);
        var list = new StringBuilder();
        var (calibration, tileBias) = (package.Manifest.Calibration!, package.Manifest.Tiles!.Bias);
        foreach (var picture in pictures)
        {
            var (logit, tiles) = ((double)picture!["logit"]!, (bool)picture["tiles"]!);
            Assert.Equal(Sigmoid(logit), (double)picture["before"]!, 1e-6);
            Assert.Equal(Sigmoid(((tiles ? logit - tileBias : logit) / calibration.Temperature) + calibration.Bias), (double)picture["score"]!, 1e-6);
            list.Append(CultureInfo.InvariantCulture, $"{picture["sha256"]} {picture["label"]} {(tiles ? 't' : 'w')} {logit:R}\n");
        }

        Assert.Equal(calibration.Pictures, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(list.ToString()))));
    }

    private async Task AssertServedAsync(ModelPackage package, CalibrationSettings calibration)
    {
        var before = await AnalyzeAsync(nano.Package.Directory);
        var after = await AnalyzeAsync(_folder["new"]);

        var logit = Math.Log((double)before.Result["score"]! / (1 - (double)before.Result["score"]!));
        Assert.Equal(Sigmoid((logit / calibration.Temperature) + calibration.Bias), (double)after.Result["score"]!, 1e-6);
        Assert.Equal((string?)before.Result["mask"]!["counts"], (string?)after.Result["mask"]!["counts"]);
        Assert.Equal((0.4f, 0.6f), Thresholds(before.Info));
        Assert.Equal((calibration.Thresholds.Low, calibration.Thresholds.High), Thresholds(after.Info));
        Assert.Equal(package.Manifest.Version, (string?)after.Info["model"]!["version"]);
        var verdict = (float)after.Result["score"]! >= calibration.Thresholds.High ? "MANIPULATED" : (float)after.Result["score"]! < calibration.Thresholds.Low ? "AUTHENTIC" : "UNCERTAIN";
        Assert.Equal(verdict, (string?)after.Result["verdict"]);
        // What the operator sets counts for more than what the package has.
        Assert.Equal((0.1f, 0.6f), Thresholds((await AnalyzeAsync(_folder["new"], "--Loupe:Thresholds:Low=0.1")).Info));

        static (float Low, float High) Thresholds(JsonNode info) => ((float)info["default_thresholds"]!["low"]!, (float)info["default_thresholds"]!["high"]!);
    }

    /// <summary>By a real server and the client's program.</summary>
    private async Task<(JsonNode Result, JsonNode Info)> AnalyzeAsync(string package, params string[] settings)
    {
        await using var server = ServerProcess.Start(["serve", "--model", package, "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", .. settings]);
        var address = await server.ReadyAsync();
        var analysed = await ClientProcess.RunAsync($"\"$CLIENT\" analyze '{Path.Combine(Samples, Forged)}' --format jsonl --mask always", _folder.FullName, address);
        var info = await ClientProcess.RunAsync("\"$CLIENT\" info --json", _folder.FullName, address);
        Assert.Equal(0, info.ExitCode);
        return (JsonNode.Parse(analysed.Output)!, JsonNode.Parse(info.Output)!);
    }

    /// <summary>Interrupts when a line is written that holds the text.</summary>
    private sealed class InterruptingWriter(string text, CancellationTokenSource interruption) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value!.Contains(text, StringComparison.Ordinal))
            {
                interruption.Cancel();
            }
        }
    }
}
