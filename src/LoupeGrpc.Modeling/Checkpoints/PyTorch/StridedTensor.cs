using LoupeGrpc.Files;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

/// <summary>
/// A tensor whose elements do not lie one after the other, such as a transposed one: the stretch of the storage that it covers is held in memory,
/// for this one tensor.
/// </summary>
internal sealed class StridedTensor
{
    private readonly byte[] _stretch;

    private StridedTensor(PickleTensor view, byte[] stretch)
    {
        View = view;
        _stretch = stretch;
    }

    internal PickleTensor View { get; }

    internal static bool IsContiguous(PickleTensor view)
    {
        var expected = 1L;
        for (var i = view.Shape.Count - 1; i >= 0; i--)
        {
            if (view.Shape[i] != 1 && view.Strides[i] != expected)
            {
                return view.Length == 0;
            }

            expected *= view.Shape[i];
        }

        return true;
    }

    /// <param name="storage">Where the storage begins in the file, in bytes.</param>
    /// <exception cref="CheckpointException">The stretch is too long to hold.</exception>
    internal static StridedTensor Load(RandomAccessFile file, long storage, string name, PickleTensor view)
    {
        var size = view.Storage.ElementType.SizeOf();
        var bytes = (1 + view.Shape.Zip(view.Strides, (side, stride) => (side - 1) * stride).Sum()) * size;
        if (bytes > Array.MaxLength)
        {
            throw CheckpointException.InFile(file.Path, $"tensor {name} is a view scattered over {bytes} bytes, the limit is {Array.MaxLength}: save it contiguous");
        }

        var stretch = new byte[bytes];
        file.Read(storage + (view.Offset * size), stretch);
        return new StridedTensor(view, stretch);
    }

    internal void ReadFloats(long start, Span<float> destination)
    {
        if (destination.IsEmpty)
        {
            return;
        }

        // The place of the first element; then count up like an odometer, innermost dimension first.
        var rank = View.Shape.Count;
        var index = new long[rank];
        var place = 0L;
        for (var (i, rest) = (rank - 1, start); i >= 0; i--)
        {
            (rest, index[i]) = Math.DivRem(rest, View.Shape[i]);
            place += index[i] * View.Strides[i];
        }

        var type = View.Storage.ElementType;
        var size = type.SizeOf();
        for (var written = 0; written < destination.Length; written++)
        {
            ElementReader.ToFloats(type, _stretch.AsSpan((int)(place * size), size), destination.Slice(written, 1));
            for (var i = rank - 1; i >= 0; i--)
            {
                place += View.Strides[i];
                if (++index[i] < View.Shape[i])
                {
                    break;
                }

                place -= View.Shape[i] * View.Strides[i];
                index[i] = 0;
            }
        }
    }
}
