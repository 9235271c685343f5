namespace LoupeGrpc.Modeling.Graphs;

/// <summary>The sine position embedding of Mask2Former, normalised to 2π over the map.</summary>
internal static class SinePosition
{
    private const double Temperature = 10000;
    private const double Epsilon = 1e-6;

    /// <summary>[side·side, width] for a square map: half of the values for y, then half for x.</summary>
    public static float[] Of(int side, int width)
    {
        int half = width / 2;
        var axis = new float[side * half];
        for (int i = 0; i < side; i++)
        {
            double position = (i + 1) / (side + Epsilon) * 2 * Math.PI;
            for (int k = 0; k < half; k++)
            {
                double angle = position / Math.Pow(Temperature, 2.0 * (k / 2) / half);
                axis[i * half + k] = (float)(k % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle));
            }
        }

        var embedding = new float[side * side * width];
        for (int cell = 0; cell < side * side; cell++)
        {
            axis.AsSpan(cell / side * half, half).CopyTo(embedding.AsSpan(cell * width));
            axis.AsSpan(cell % side * half, half).CopyTo(embedding.AsSpan(cell * width + half));
        }

        return embedding;
    }
}
