using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Execution;

/// <summary>Values of the adapted tensors (θ), one behind the other in the order of <see cref="PackageTensors.Adapted"/>. Immutable.</summary>
internal sealed class AdaptedParameters
{
    private readonly float[] _values;

    private AdaptedParameters(float[] values) => _values = values;

    public ReadOnlySpan<float> Values => _values;

    public ReadOnlyMemory<float> Memory => _values;

    /// <summary>What the package was converted with.</summary>
    /// <exception cref="ModelLoadException">The file does not hold what the manifest lists.</exception>
    public static AdaptedParameters LoadBase(ModelPackage package)
    {
        string path = package.PathOf(package.Manifest.Theta);
        try
        {
            using var file = SafetensorsFile.Open(path);
            var values = new float[package.Manifest.AdaptedTensors.Sum(LengthOf)];
            int position = 0;
            foreach (var tensor in package.Manifest.AdaptedTensors)
            {
                int length = LengthOf(tensor);
                if (!file.Tensors.TryGetValue(tensor.Name, out var stored) || stored.Length != length)
                {
                    throw new ModelLoadException($"{path} has no tensor {tensor.Name} with {length} elements.");
                }

                file.ReadFloats(stored, 0, values.AsSpan(position, length));
                position += length;
            }

            return new AdaptedParameters(values);
        }
        catch (Exception exception) when (exception is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    public static int LengthOf(AdaptedTensor tensor) => tensor.Shape.Aggregate(1, static (product, side) => checked(product * side));
}
