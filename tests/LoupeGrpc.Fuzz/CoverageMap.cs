using System.Numerics;
using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace LoupeGrpc.Fuzz;

/// <summary>
/// What instrumented code marks while it runs: a count for each step from one branch to the next, as AFL has it. Nothing is ever marked where the assemblies are not instrumented.
/// </summary>
internal sealed unsafe class CoverageMap
{
    /// <summary>Given by SharpFuzz.</summary>
    private const int Length = 1 << 16;

    private readonly byte* _counts = (byte*)NativeMemory.AllocZeroed(Length);

    /// <summary>For each step, the magnitudes of its count that were ever seen, a bit each.</summary>
    private readonly byte[] _seen = new byte[Length];

    /// <summary>To be called before anything instrumented is touched: its assemblies' own initializers mark, too, and that somewhere.</summary>
    public static void Prepare() => Trace.SharedMem = (byte*)NativeMemory.AllocZeroed(Length);

    /// <summary>Steps seen so far.</summary>
    public int Steps { get; private set; }

    /// <summary>Forgets what the code marked; to be called before each input.</summary>
    public void Clear()
    {
        new Span<byte>(_counts, Length).Clear();
        Trace.SharedMem = _counts;
        Trace.PrevLocation = 0;
    }

    /// <summary>The steps that were marked and their magnitudes, one number each.</summary>
    public HashSet<int> Marked()
    {
        var marked = new HashSet<int>();
        var words = new ReadOnlySpan<ulong>(_counts, Length / sizeof(ulong));
        for (var word = 0; word < words.Length; word++)
        {
            for (var i = 0; words[word] != 0 && i < sizeof(ulong); i++)
            {
                var step = (word * sizeof(ulong)) + i;
                if (_counts[step] != 0)
                {
                    marked.Add((step * 8) + BitOperations.Log2(_counts[step]));
                }
            }
        }

        return marked;
    }

    /// <summary>Takes note of what was marked.</summary>
    /// <returns>Whether any of it was new.</returns>
    public bool Learn()
    {
        var isNew = false;
        var words = new ReadOnlySpan<ulong>(_counts, Length / sizeof(ulong));
        for (var word = 0; word < words.Length; word++)
        {
            for (var i = 0; words[word] != 0 && i < sizeof(ulong); i++)
            {
                var step = (word * sizeof(ulong)) + i;
                var magnitude = _counts[step] == 0 ? 0 : 1 << BitOperations.Log2(_counts[step]);
                if ((_seen[step] & magnitude) != magnitude)
                {
                    Steps += _seen[step] == 0 ? 1 : 0;
                    _seen[step] |= (byte)magnitude;
                    isNew = true;
                }
            }
        }

        return isNew;
    }
}
