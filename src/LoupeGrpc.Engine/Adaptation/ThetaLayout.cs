using LoupeGrpc.Engine.Execution;
using LoupeGrpc.Packaging;

namespace LoupeGrpc.Engine.Adaptation;

/// <summary>Where each adapted tensor lies in a flat buffer: the package's order, each row-major, without gaps. Immutable.</summary>
internal sealed class ThetaLayout
{
    private readonly ThetaTensor[] _tensors;

    public ThetaLayout(IReadOnlyList<AdaptedTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        _tensors = new ThetaTensor[tensors.Count];
        int offset = 0;
        for (int i = 0; i < _tensors.Length; i++)
        {
            int length = AdaptedParameters.LengthOf(tensors[i]);
            _tensors[i] = new ThetaTensor(tensors[i].Name, tensors[i].Shape, offset, length);
            offset = checked(offset + length);
        }

        Length = offset;
    }

    public IReadOnlyList<ThetaTensor> Tensors => _tensors;

    /// <summary>Elements of all tensors together. L14: about 200,000.</summary>
    public int Length { get; }
}

/// <summary>One adapted tensor within a flat buffer.</summary>
/// <param name="Offset">First element.</param>
/// <param name="Length">Elements.</param>
internal sealed record ThetaTensor(string Name, IReadOnlyList<int> Shape, int Offset, int Length)
{
    /// <summary>Weight decay applies to tensors of two dimensions or more, not to biases and norms.</summary>
    public bool Decays => Shape.Count >= 2;
}
