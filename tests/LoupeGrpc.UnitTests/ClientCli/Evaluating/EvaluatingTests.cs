using System.Text;
using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Evaluating;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Masks;
using LoupeGrpc.Quality;
using LoupeGrpc.TestSupport;
using OpenCvSharp;
using Xunit;

namespace LoupeGrpc.UnitTests.ClientCli.Evaluating;

/// <summary>Lists, predictions and changes of pictures, up to the figures and what is shown of them.</summary>
public sealed class EvaluatingTests : IDisposable
{
    private static readonly string[] Columns = ["kind"];

    private readonly string _folder = Directory.CreateTempSubdirectory("loupe-evaluate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_list_says_paths_labels_masks_and_more()
    {
        var cases = TruthList.Parse("Path,Label,mask,kind\n\"a, b.png\",1,m.png,splice\n/c.jpg,0,,\n"u8.ToArray(), "in");

        Assert.Equal([("in/a, b.png", true, "in/m.png"), ("/c.jpg", false, null)], cases.Select(static truth => (truth.Path, truth.IsForged, truth.Mask)));
        Assert.Equal(Columns, cases[0].Columns.Keys);
        Assert.Equal("splice", cases[0].Columns["kind"]);
    }

    [Theory]
    [InlineData("path,truth\na,1\n", "no column 'label'")]
    [InlineData("path,label\na,2\n", "line 2 has the label '2'")]
    [InlineData("path,label\n\n,1\n", "line 3 has no path")]
    [InlineData("path,label\na\n", "line 2 has 1 fields, the header 2")]
    [InlineData("path,path,label\n", "'path' is there twice")]
    public void A_list_that_says_nothing_is_refused_with_its_line(string csv, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => TruthList.Parse(Encoding.UTF8.GetBytes(csv), "")).Message, StringComparison.Ordinal);

    [Fact]
    public void Predictions_are_found_by_the_end_of_a_path_and_held_against_the_mask()
    {
        File.WriteAllBytes(Path.Combine(_folder, "m.png"), Mask(2, 2, [255, 255, 0, 0]));
        TruthCase[] cases = [Case("x/a.png", true, Path.Combine(_folder, "m.png")), Case("x/b.png", false), Case("y/c.png", true), Case("y/d.png", false)];
        // Column by column: the left column is forged.
        const string lines = """
            {"path":"a.png","frame_id":0,"outcome":"RESULT","score":0.9,"verdict":"MANIPULATED","width":2,"height":2,"mask":{"size":[2,2],"counts":"022"}}
            {"path":"x/b.png","frame_id":1,"outcome":"RESULT","score":0.2,"verdict":"AUTHENTIC","width":2,"height":2}
            {"path":"c.png","frame_id":2,"outcome":"FAILED","error":{"code":"UNSUPPORTED","message":"no picture"}}
            """;

        var judged = Predictions.Parse(Encoding.UTF8.GetBytes(lines), _folder).Judge(cases);

        Assert.Equal([0.9f, 0.2f], judged.Pictures.Select(static picture => (float)picture.Score));
        Assert.Equal(new PixelCounts(1, 1, 1, 1), judged.Pictures[0].Pixels);
        Assert.Equal(["no picture", "nothing was predicted of it"], judged.Failures.Select(static failure => failure.Message));
    }

    [Fact]
    public void What_export_loupe_writes_is_read_and_what_is_broken_is_refused()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "masks"));
        File.WriteAllBytes(Path.Combine(_folder, "masks", "a.png"), Mask(1, 2, [255, 0]));
        File.WriteAllText(Path.Combine(_folder, "predictions.txt"), "a.png,0.7500\nb, c.jpg,0.1000\n");

        var judged = Predictions.Read(_folder).Judge([Case("in/a.png", true, Path.Combine(_folder, "masks", "a.png")), Case("in/b, c.jpg", false)]);

        Assert.Equal([0.75, 0.1], judged.Pictures.Select(static picture => picture.Score));
        Assert.Equal(new PixelCounts(1, 0, 0, 1), judged.Pictures[0].Pixels);
        File.WriteAllText(Path.Combine(_folder, "predictions.txt"), "a.png,NaN\n");
        Assert.Contains("not a finite number", Assert.Throws<CliException>(() => Predictions.Read(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_of_another_size_is_a_failure_but_follows_a_picture_that_was_scaled()
    {
        var (truth, found) = (BinaryMask.Empty(4, 4), BinaryMask.Empty(2, 2));
        truth.Pixels.AsSpan(0, 8).Fill(BinaryMask.Forged);
        found.Pixels.AsSpan(0, 2).Fill(BinaryMask.Forged);

        Assert.Equal(new PixelCounts(2, 0, 0, 2), TruthMask.Compare(truth, found, isScaled: true));
        Assert.Contains("4x4 pixels, the picture 2x2", Assert.Throws<InvalidDataException>(() => TruthMask.Compare(truth, found, isScaled: false)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_do_what_they_say()
    {
        var file = File.ReadAllBytes(TestData.Sample("authentic-coffee.jpg"));
        using var original = Cv2.ImDecode(file, ImreadModes.Color);

        using var scaled = Cv2.ImDecode(Perturbation.Parse("scale:0.5")!.Apply(file, 0)!, ImreadModes.Color);
        using var noisy = Cv2.ImDecode(Perturbation.Parse("noise:5")!.Apply(file, 0)!, ImreadModes.Color);
        var jpeg = Perturbation.Parse("blur:1+jpeg:40")!.Apply(file, 0)!;

        Assert.Equal((int)Math.Round(original.Width * 0.5), scaled.Width);
        // Sums of noise and picture are cut at 0 and 255, which makes it a little weaker.
        Assert.InRange(Cv2.Norm(original, noisy) / Math.Sqrt(original.Total() * 3), 4.5, 5.1);
        Assert.Equal([0xFF, 0xD8], jpeg[..2]);
        Assert.Equal(Perturbation.Parse("noise:5")!.Apply(file, 3), Perturbation.Parse("noise:5")!.Apply(file, 3));
        Assert.NotEqual(Perturbation.Parse("noise:5")!.Apply(file, 3), Perturbation.Parse("noise:5")!.Apply(file, 4));
        Assert.Null(Perturbation.Parse("blur:1")!.Apply([1, 2, 3], 0));
    }

    [Theory]
    [InlineData("jpeg:0")]
    [InlineData("jpeg:75.5")]
    [InlineData("scale:5")]
    [InlineData("noise:")]
    [InlineData("blur:1+")]
    [InlineData("turn:90")]
    public void Changes_that_make_no_sense_are_none(string text) => Assert.Null(Perturbation.Parse(text));

    [Fact]
    public void Json_and_page_say_the_same_and_the_page_needs_nothing_else()
    {
        var picture = TestData.Sample("forged-cat-in-coffee.jpg");
        EvaluatedPicture[] pictures =
        [
            new(Case(picture, true, TestData.Sample("forged-cat-in-coffee.mask.png")), 0.8, new PixelCounts(3, 1, 1, 5)), new(Case("<b>.png", false), 0.3, null),
        ];
        var figures = QualityFigures.Of([.. pictures.Select(static one => one.Judged)], samples: 20);
        var evaluation = new Evaluation
        {
            Subject = "a & b",
            Judged = new JudgedSet(pictures, [new EvaluationFailure("c.png", "gone")]),
            Figures = figures,
            Thresholds = [0.5],
            Worst = WorstCases.Of(pictures, 1),
            Samples = 20,
            Seed = 0,
        };

        var json = JsonNode.Parse(EvaluationJson.Write(evaluation))!;
        var page = EvaluationPage.Write(evaluation, DateTimeOffset.UnixEpoch);

        Assert.Equal((2, 1, 1.0, 0.75), ((int)json["n"]!, (int)json["failed"]!, (double)json["auc"]!, (double)json["f1"]!));
        Assert.Equal([1.0, 1.0], json["auc_interval"]!.AsArray().Select(static value => (double)value!));
        Assert.Equal((1.0, 1.0, 0.55), ((double)json["recall_at_far"]!["0.01"]!, (double)json["recall_at_far"]!["0.05"]!, Math.Round((double)json["threshold"]!, 12)));
        Assert.Contains("<b>1.0000</b><span>AUC</span>", page, StringComparison.Ordinal);
        Assert.Contains("a &amp; b", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;.png", page, StringComparison.Ordinal);
        Assert.Contains("src=\"data:image/jpeg;base64,", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page.Replace("http-equiv", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static TruthCase Case(string path, bool isForged, string? mask = null) => new(path, isForged, mask, new Dictionary<string, string>());

    private static byte[] Mask(int height, int width, byte[] pixels)
    {
        var mask = BinaryMask.Empty(height, width);
        pixels.CopyTo(mask.Pixels, 0);
        using var file = new MemoryStream();
        GrayPng.Write(file, mask);
        return file.ToArray();
    }
}
