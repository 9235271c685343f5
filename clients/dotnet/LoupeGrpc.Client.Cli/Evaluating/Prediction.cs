using LoupeGrpc.Client.Masks;

namespace LoupeGrpc.Client.Cli.Evaluating;

/// <summary>What was said of a picture elsewhere.</summary>
/// <param name="Name">The picture: a path, or the end of one.</param>
/// <param name="Score">Null where it failed.</param>
internal sealed record Prediction(string Name, double? Score)
{
    /// <summary>Why there is no score.</summary>
    public string? Problem { get; init; }

    /// <summary>A mask as a file, white where forged.</summary>
    public string? MaskFile { get; init; }

    /// <summary>A mask as run lengths: height, width, counts.</summary>
    public (uint Height, uint Width, string Counts)? Run { get; init; }

    /// <summary>Height and width of a picture in which nothing was found.</summary>
    public (int Height, int Width)? Empty { get; init; }

    /// <returns>Null where there is none.</returns>
    /// <exception cref="InvalidDataException">It is no mask.</exception>
    public BinaryMask? ReadMask() => (Run, MaskFile, Empty) switch
    {
        ({ } run, _, _) => CocoRleDecoder.Decode(run.Height, run.Width, run.Counts),
        (_, { } file, _) => TruthMask.Read(file),
        (_, _, { } size) when (long)size.Height * size.Width <= Array.MaxLength => BinaryMask.Empty(size.Height, size.Width),
        _ => null,
    };
}
