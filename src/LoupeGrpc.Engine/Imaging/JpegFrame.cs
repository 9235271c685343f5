namespace LoupeGrpc.Engine.Imaging;

/// <summary>What a JPEG's frame header says of its components.</summary>
internal readonly struct JpegFrame
{
    private const int SamplesOfBlock = 64;
    private const int BlockSide = 8;
    private const int LargestSampling = 4;

    private readonly Component[] _components;
    private readonly long _unitsAcross;
    private readonly long _unitsDown;

    private JpegFrame(bool progressive, Component[] components, long unitsAcross, long unitsDown)
    {
        IsProgressive = progressive;
        _components = components;
        _unitsAcross = unitsAcross;
        _unitsDown = unitsDown;
    }

    public bool IsProgressive { get; }

    public int Components => _components.Length;

    /// <summary>SOF0 to SOF15, without DHT, JPG and DAC, which stand among them.</summary>
    public static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    /// <param name="header">The segment's content.</param>
    public static bool TryRead(byte marker, ReadOnlySpan<byte> header, out JpegFrame frame)
    {
        frame = default;
        if (header.Length < 6 || header.Length < 6 + (3 * header[5]))
        {
            return false;
        }

        int height = (header[1] << 8) | header[2];
        int width = (header[3] << 8) | header[4];
        var components = new Component[header[5]];
        int horizontal = 1;
        int vertical = 1;
        for (int i = 0; i < components.Length; i++)
        {
            byte sampling = header[7 + (3 * i)];
            components[i] = new Component(header[6 + (3 * i)], sampling >> 4, sampling & 15, 0);
            if (components[i] is not { Horizontal: >= 1 and <= LargestSampling, Vertical: >= 1 and <= LargestSampling })
            {
                return false;
            }

            horizontal = Math.Max(horizontal, components[i].Horizontal);
            vertical = Math.Max(vertical, components[i].Vertical);
        }

        for (int i = 0; i < components.Length; i++)
        {
            long across = DivideUp((long)width * components[i].Horizontal, BlockSide * horizontal);
            long down = DivideUp((long)height * components[i].Vertical, BlockSide * vertical);
            components[i] = components[i] with { Blocks = across * down };
        }

        // SOF2 and SOF10.
        frame = new JpegFrame(
            marker is 0xC2 or 0xCA, components, DivideUp(width, BlockSide * horizontal), DivideUp(height, BlockSide * vertical));
        return true;
    }

    /// <returns>The component's number, or −1.</returns>
    public int IndexOf(byte id) => Array.FindIndex(_components, component => component.Id == id);

    /// <summary>Samples that a scan of these components goes over.</summary>
    public long SamplesOf(ReadOnlySpan<int> components)
    {
        if (components.Length == 1)
        {
            return _components[components[0]].Blocks * SamplesOfBlock;
        }

        long blocksOfUnit = 0;
        foreach (int component in components)
        {
            blocksOfUnit += _components[component].Horizontal * _components[component].Vertical;
        }

        return _unitsAcross * _unitsDown * blocksOfUnit * SamplesOfBlock;
    }

    private static long DivideUp(long value, long by) => (value + by - 1) / by;

    private readonly record struct Component(byte Id, int Horizontal, int Vertical, long Blocks);
}
