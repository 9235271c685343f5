namespace LoupeGrpc.Engine.Imaging;

/// <summary>
/// Counts the scans of a JPEG and what decoding them costs, and sees whether they make the picture complete. Reads headers only:
/// the coded data are searched for their end.
/// </summary>
internal sealed class JpegScans(JpegFrame frame)
{
    private const int Coefficients = 64;
    private const int MostComponents = 4;
    private const sbyte Missing = sbyte.MaxValue;

    // Bits of a coefficient that are still to come, for each component.
    private readonly sbyte[] _missingBits = NothingSent(frame.Components);

    public int Count { get; private set; }

    /// <summary>That all scans together go over.</summary>
    public long Samples { get; private set; }

    /// <summary>Behind the end-of-image marker; null where there is none.</summary>
    public int? End { get; private set; }

    public string? Damage { get; private set; }

    /// <summary>For a stream that is part of another file, a tile of a TIFF. Both numbers are 0 where it is not as it should be: then it is not decoded.</summary>
    public static (int Scans, long Samples) Measure(ReadOnlySpan<byte> stream)
    {
        var segments = new JpegSegments(stream, 0);
        while (segments.TryNext(out byte marker, out _, out var content))
        {
            if (JpegFrame.IsFrame(marker))
            {
                if (!JpegFrame.TryRead(marker, content, out var frame))
                {
                    break;
                }

                var scans = new JpegScans(frame);
                List<BytePatch>? patches = null;
                scans.Read(ref segments, ref patches);
                return (scans.Count, scans.Samples);
            }
        }

        return default;
    }

    /// <param name="segments">Behind the frame header.</param>
    /// <param name="patches">Appended to.</param>
    public void Read(ref JpegSegments segments, ref List<BytePatch>? patches)
    {
        Span<int> components = stackalloc int[MostComponents];
        while (segments.TryNext(out byte marker, out int start, out var content))
        {
            if (marker == JpegSegments.EndOfImage)
            {
                End = segments.Position;
                Damage = MissingParts();
                return;
            }

            if (marker != JpegSegments.StartOfScan)
            {
                continue;
            }

            // What follows is for the decoder to refuse.
            int count = content.Length > 0 ? content[0] : 0;
            if (count is < 1 or > MostComponents || content.Length < 4 + (2 * count))
            {
                Damage = "the header of a scan is damaged";
                return;
            }

            var used = components[..count];
            for (int i = 0; i < count; i++)
            {
                used[i] = frame.IndexOf(content[1 + (2 * i)]);
                if (used[i] < 0)
                {
                    Damage = "a scan is of a component that the picture does not have";
                    return;
                }
            }

            Count++;
            Samples += frame.SamplesOf(used);
            int parameters = 1 + (2 * count);
            if (frame.IsProgressive)
            {
                NoteProgress(used, content[parameters], content[parameters + 1], content[parameters + 2]);
            }
            else
            {
                NoteWhole(used);
                ExpectWholeBlocks(start + parameters, content[parameters..], ref patches);
            }

            segments.SkipCodedData();
        }

        Damage = "it has no end-of-image marker";
    }

    private static sbyte[] NothingSent(int components)
    {
        var bits = new sbyte[components * Coefficients];
        Array.Fill(bits, Missing);
        return bits;
    }

    /// <summary>The spectral selection of a scan that is not progressive is fixed, but not every writer knows.</summary>
    private static void ExpectWholeBlocks(int position, ReadOnlySpan<byte> parameters, ref List<BytePatch>? patches)
    {
        ReadOnlySpan<byte> expected = [0, Coefficients - 1, 0];
        for (int i = 0; i < expected.Length; i++)
        {
            if (parameters[i] != expected[i])
            {
                (patches ??= []).Add(new BytePatch(position + i, expected[i]));
            }
        }
    }

    private void NoteWhole(ReadOnlySpan<int> components)
    {
        foreach (int component in components)
        {
            _missingBits.AsSpan(component * Coefficients, Coefficients).Clear();
        }
    }

    private void NoteProgress(ReadOnlySpan<int> components, byte first, byte last, byte approximation)
    {
        foreach (int component in components)
        {
            for (int i = first; i <= Math.Min((int)last, Coefficients - 1); i++)
            {
                _missingBits[(component * Coefficients) + i] = (sbyte)(approximation & 15);
            }
        }
    }

    private string? MissingParts() =>
        _missingBits.Contains(Missing) ? "scans are missing: parts of the picture were never sent"
        : _missingBits.AsSpan().ContainsAnyExcept((sbyte)0) ? "its last scans are missing: the picture is there in less than its full quality"
        : null;
}
