namespace LoupeGrpc.Engine.Execution;

/// <summary>The fixed picture of the self-check: waves that cross the whole input and noise, so that every patch matters. The same on every machine.</summary>
internal static class SelfCheckInput
{
    private const int Channels = 3;

    /// <param name="pixelValues">[1,3,S,S], filled with values within −1 to 1.</param>
    public static void Fill(Span<float> pixelValues, int side)
    {
        ulong state = 0;
        for (int channel = 0; channel < Channels; channel++)
        {
            for (int y = 0; y < side; y++)
            {
                for (int x = 0; x < side; x++)
                {
                    double wave = Triangle(((channel + 1.0) * x + (3.0 - channel) * y) / side);
                    pixelValues[(((channel * side) + y) * side) + x] = (float)((0.6 * wave) + (0.3 * NextNoise(ref state)));
                }
            }
        }
    }

    // Arithmetic only: a library's sine may differ in the last bit.
    private static double Triangle(double phase)
    {
        double fraction = phase - Math.Floor(phase);
        return 1 - (4 * Math.Abs(fraction - 0.5));
    }

    /// <summary>SplitMix64 as a number from −1 to 1.</summary>
    private static double NextNoise(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return ((z >> 40) / (double)(1 << 23)) - 1;
    }
}
