using System.Globalization;
using System.Text.RegularExpressions;
using LoupeGrpc.Client;
using LoupeGrpc.V1;

namespace LoupeGrpc.Benchmarks;

/// <summary>Sessions of one kind.</summary>
/// <param name="Text">As it was given, for people.</param>
/// <param name="Data">Of each frame.</param>
/// <param name="Format">Null: <paramref name="Data"/> is a file.</param>
/// <param name="PerSecond">Frames of each session; 0: as many as the server takes.</param>
internal sealed partial record LoadGroup(string Text, int Sessions, DeliveryPolicy Delivery, ReadOnlyMemory<byte> Data, FrameFormat? Format, double PerSecond)
{
    public static LoadGroup? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match)
        {
            return null;
        }

        var delivery = match.Groups["mode"].Value switch
        {
            "every" => new DeliveryPolicy { Mode = DeliveryMode.EveryFrame },
            "freshest" => new DeliveryPolicy { Mode = DeliveryMode.Freshest },
            var budget => new DeliveryPolicy
            {
                Mode = DeliveryMode.StalenessBudget,
                StalenessBudget = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromMilliseconds(int.Parse(budget["budget".Length..], CultureInfo.InvariantCulture))),
            },
        };
        FrameFormat? format = null;
        byte[] data;
        if (match.Groups["width"].Success)
        {
            format = new FrameFormat { Width = Number("width"), Height = Number("height"), PixelFormat = PixelFormat.Bgr24 };
            data = new byte[format.Width * format.Height * 3];
            new Random(1).NextBytes(data);
        }
        else if (File.Exists(match.Groups["file"].Value))
        {
            data = File.ReadAllBytes(match.Groups["file"].Value);
        }
        else
        {
            return null;
        }

        double rate = match.Groups["fps"].Success ? double.Parse(match.Groups["fps"].Value, CultureInfo.InvariantCulture) : 0;
        return new LoadGroup(text.Replace(Path.GetDirectoryName(match.Groups["file"].Value) + "/", string.Empty, StringComparison.Ordinal), (int)Number("n"), delivery, data, format, rate);

        uint Number(string name) => uint.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Null: as the client library does it.</summary>
    public MaskSettings? Mask { get; init; }

    /// <summary>Seconds from the beginning to the first frame of each session: cameras were not switched on together. The same each time.</summary>
    public IReadOnlyList<double> Phases { get; } = [.. Enumerable.Repeat(new Random(Sessions), Sessions).Select(random => PerSecond > 0 ? random.NextDouble() / PerSecond : 0)];

    public LoupeFrame Frame(ulong id) =>
        Format is null ? new EncodedFrame(Data) { FrameId = id } : new RawFrame(Data, Format) { FrameId = id };

    [GeneratedRegex(@"^(?<n>\d+)x(?<mode>every|freshest|budget\d+):(raw(?<width>\d+)x(?<height>\d+)|(?<file>.+?))(@(?<fps>[\d.]+))?$")]
    private static partial Regex Form();
}
