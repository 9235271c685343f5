using LoupeGrpc.Server.Sessions;

namespace LoupeGrpc.Server.Inference;

/// <summary>What an input tensor says that it holds: files, or pixels of pictures of one size.</summary>
/// <param name="Count">Pictures, from 1.</param>
/// <param name="Height">Pixels; 0: files.</param>
/// <param name="Width">Pixels; 0: files.</param>
internal readonly record struct ImageShape(int Count, int Height, int Width)
{
    public const string Name = "image";
    public const string Files = "BYTES";
    public const string Pixels = "UINT8";

    /// <summary>Red, green, blue.</summary>
    public const int Channels = 3;

    public bool IsFiles => Height == 0;

    /// <summary>Bytes of the pixels of one picture.</summary>
    public long PictureBytes => (long)Height * Width * Channels;

    /// <param name="model">For people.</param>
    /// <param name="limit">Pictures of a request.</param>
    /// <exception cref="InferenceException"/>
    public static ImageShape Of(string model, string name, string datatype, IReadOnlyList<long> shape, int limit)
    {
        if (name != Name)
        {
            throw InferenceException.Invalid($"unexpected inference input '{ShownText.Of(name)}' for model '{model}': expected '{Name}'");
        }

        if (datatype is not (Files or Pixels))
        {
            throw InferenceException.Invalid(
                $"inference input '{Name}' data-type is '{ShownText.Of(datatype)}', but model '{model}' expects '{Files}' (picture files) or '{Pixels}' (pixels, RGB)");
        }

        var isShaped = datatype == Files ? shape.Count == 1 : shape.Count == 4 && shape[3] == Channels;
        if (!isShaped || shape.Any(static length => length is < 1 or > int.MaxValue) || (Int128)shape[0] * (datatype == Files ? 1 : (Int128)shape[1] * shape[2] * Channels) > int.MaxValue)
        {
            var expected = datatype == Files ? "[-1]" : $"[-1,-1,-1,{Channels}]";
            throw InferenceException.Invalid(
                $"unexpected shape for input '{Name}' of '{datatype}' for model '{model}'. Expected {expected}, got [{string.Join(',', shape.Take(8))}{(shape.Count > 8 ? ",…" : "")}]");
        }

        return shape[0] > limit
            ? throw new InferenceException(CallFailure.TooLarge($"the request has {shape[0]} pictures, more than {limit}: Loupe:Limits:Credits"))
            : datatype == Files ? new ImageShape((int)shape[0], 0, 0) : new ImageShape((int)shape[0], (int)shape[1], (int)shape[2]);
    }
}
