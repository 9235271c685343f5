using LoupeGrpc.TestSupport;
using OpenCvSharp;

namespace LoupeGrpc.Benchmarks.Temporal;

/// <summary>
/// A clip made of the sample pictures: a camera that moves over a still picture by a pixel or so a frame, with noise, as JPEGs. Where the truth is forged the forged picture
/// is under the camera in place of the authentic one that it was made from. The same bytes each time.
/// </summary>
/// <param name="Shots">One behind the other.</param>
/// <param name="Noise">Standard deviation in grey levels.</param>
/// <param name="BestQuality">Of a frame's JPEG: each has one between the two.</param>
internal sealed record MadeClip(string Name, IReadOnlyList<Shot> Shots, double Noise = 2, int BestQuality = 90, int WorstQuality = 90)
{
    public const int PerSecond = 25;

    private const int Width = 304;
    private const int Height = 228;

    private const string Cat = "authentic-chelsea.png", InpaintedCat = "forged-cat-inpainted.png", Raccoon = "authentic-raccoon.jpg",
        RegeneratedRaccoon = "forged-raccoon-regenerated.jpg", Coffee = "authentic-coffee.jpg", CatInCoffee = "forged-cat-in-coffee.jpg", Stars = "authentic-hubble.png", NoisyStars = "forged-stars-noise.png";

    public static IReadOnlyList<MadeClip> All { get; } =
    [
        new("authentic throughout", [new(Raccoon, null, 100)], Noise: 4),
        new("forged part comes and goes", [new(Cat, InpaintedCat, 120, From: 40, To: 90)]),
        new("the same, every third frame clean", [new(Cat, InpaintedCat, 120, From: 40, To: 90, CleanEvery: 3)]),
        new("the same, two of three frames clean", [new(Cat, InpaintedCat, 120, From: 40, To: 90, ForgedEvery: 3)]),
        new("the same, strongly and unevenly compressed", [new(Cat, InpaintedCat, 120, From: 40, To: 90)], Noise: 3, BestQuality: 75, WorstQuality: 35),
        new("splice, noise", [new(Coffee, CatInCoffee, 120, From: 40, To: 90)], Noise: 5),
        new("splice, so much noise that the model hardly sees it", [new(Coffee, CatInCoffee, 120, From: 40, To: 90)], Noise: 8),
        new("splice, compressed", [new(Coffee, CatInCoffee, 120, From: 40, To: 90)], BestQuality: 85, WorstQuality: 50),
        new("regenerated part, compressed", [new(Raccoon, RegeneratedRaccoon, 120, From: 40, To: 90)], BestQuality: 85, WorstQuality: 50),
        new("six scenes, three of them forged", [new(Coffee, null, 20), new(Cat, InpaintedCat, 20, To: 20), new(Stars, null, 20), new(Stars, NoisyStars, 20, To: 20), new(Raccoon, null, 20), new(Raccoon, RegeneratedRaccoon, 20, To: 20)]),
    ];

    public IEnumerable<MadeFrame> Frames()
    {
        var random = new Random(Name.Length);
        var noise = new RNG(12_345);
        foreach (var shot in Shots)
        {
            using var authentic = Cv2.ImRead(TestData.Sample(shot.Authentic));
            using var forged = shot.Forged is null ? null : Cv2.ImRead(TestData.Sample(shot.Forged));
            for (var i = 0; i < shot.Length; i++)
            {
                var isForged = forged is not null && i >= shot.From && i < shot.To;
                var isShown = isForged && (shot.CleanEvery == 0 || (i - shot.From) % shot.CleanEvery != shot.CleanEvery - 1) && (shot.ForgedEvery == 0 || (i - shot.From) % shot.ForgedEvery == 0);
                var camera = new Rect(Sway(i, 30) / 2, Sway(i, 40) / 4, Width, Height);
                using var view = new Mat(isShown ? forged! : authentic, camera);
                using var grain = new Mat(view.Size(), MatType.CV_16SC3);
                noise.Fill(grain, DistributionType.Normal, InputArray.Create(new Scalar(0, 0, 0)), InputArray.Create(new Scalar(Noise, Noise, Noise)));
                using var grainy = new Mat();
                Cv2.Add(view, grain, grainy, dtype: MatType.CV_8U);
                Cv2.ImEncode(".jpg", grainy, out var file, new ImageEncodingParam(ImwriteFlags.JpegQuality, random.Next(WorstQuality, BestQuality + 1)));
                yield return new MadeFrame(file, isForged);
            }
        }
    }

    /// <summary>From 0 up and down again.</summary>
    private static int Sway(int place, int reach) => Math.Abs(((place + reach) % (2 * reach)) - reach);
}

/// <param name="Forged">Null: none of it is forged.</param>
/// <param name="Length">Frames.</param>
/// <param name="From">First forged one.</param>
/// <param name="To">First one that is not forged any more.</param>
/// <param name="CleanEvery">Of the forged stretch each n-th frame shows nothing; 0: none.</param>
/// <param name="ForgedEvery">Of the forged stretch each n-th frame alone shows something; 0: all do.</param>
internal sealed record Shot(string Authentic, string? Forged, int Length, int From = 0, int To = 0, int CleanEvery = 0, int ForgedEvery = 0);

/// <param name="File">JPEG.</param>
/// <param name="IsForged">It lies in a forged stretch.</param>
internal sealed record MadeFrame(byte[] File, bool IsForged);
