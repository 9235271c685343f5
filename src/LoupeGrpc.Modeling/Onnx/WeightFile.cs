using System.Buffers;
using LoupeGrpc.Modeling.Checkpoints;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Onnx;

/// <summary>The external data of the graphs of one precision: places first, bytes later, in slices.</summary>
internal sealed class WeightFile
{
    // Floats held in memory at a time: whole tensors never are.
    private const int SliceLength = 1 << 20;

    private readonly Dictionary<string, long> _offsets = [];
    private readonly List<Initializer> _initializers = [];

    /// <summary>Bytes of the file.</summary>
    public long Length { get; private set; }

    /// <summary>Gives a tensor a place and returns its offset; graphs that use the same tensor share it.</summary>
    public long Add(Initializer initializer)
    {
        if (_offsets.TryGetValue(initializer.Name, out long known))
        {
            return known;
        }

        long offset = Aligned(Length);
        _offsets.Add(initializer.Name, offset);
        _initializers.Add(initializer);
        Length = offset + initializer.Bytes;
        return offset;
    }

    /// <summary>Writes every tensor to its place. The stream is at 0 and ends at <see cref="Length"/>.</summary>
    /// <param name="written">Called after each slice with the bytes written so far.</param>
    public void Write(Stream stream, ITensorSource source, Action<long>? written, CancellationToken cancellationToken)
    {
        float[] buffer = ArrayPool<float>.Shared.Rent(_initializers.Select(static initializer => initializer.RowLength).Append(SliceLength).Max());
        try
        {
            long position = 0;
            foreach (var initializer in _initializers)
            {
                long padding = Aligned(position) - position;
                stream.Write(new byte[padding]);
                position += padding;

                long rows = initializer.Length / initializer.RowLength;
                long rowsPerSlice = Math.Max(1, SliceLength / initializer.RowLength);
                for (long row = 0; row < rows; row += rowsPerSlice)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var slice = buffer.AsSpan(0, (int)Math.Min(rowsPerSlice, rows - row) * initializer.RowLength);
                    initializer.ReadRows(source, row, slice);
                    var bytes = initializer.Encode(slice);
                    stream.Write(bytes);
                    position += bytes.Length;
                    written?.Invoke(position);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private static long Aligned(long position) => (position + PackageLayout.WeightAlignment - 1) / PackageLayout.WeightAlignment * PackageLayout.WeightAlignment;
}
