using LoupeGrpc.Packaging;

namespace LoupeGrpc.Modeling.Checkpoints.PyTorch;

/// <summary>
/// The names that a pickle may refer to, all of them. None is looked up in anything that could run: each stands for something built here.
/// </summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, PickleGlobal> Known = Build().ToDictionary(known => known.Name, StringComparer.Ordinal);

    internal static PickleGlobal? Find(string module, string name) => Known.GetValueOrDefault($"{module}.{name}");

    private static IEnumerable<PickleGlobal> Build()
    {
        yield return new("torch._utils._rebuild_tensor_v2", PickleGlobalKind.RebuildTensor);
        yield return new("torch._utils._rebuild_parameter", PickleGlobalKind.RebuildParameter);
        yield return new("collections.OrderedDict", PickleGlobalKind.NewDict);
        yield return new("collections.defaultdict", PickleGlobalKind.NewDict);

        foreach (var (name, type) in ((string, ElementType)[])
        [
            ("Float", ElementType.Float32), ("Half", ElementType.Float16), ("BFloat16", ElementType.BFloat16), ("Double", ElementType.Float64),
            ("Long", ElementType.Int64), ("Int", ElementType.Int32), ("Short", ElementType.Int16), ("Char", ElementType.Int8),
            ("Byte", ElementType.UInt8), ("Bool", ElementType.Bool),
        ])
        {
            yield return new($"torch.{name}Storage", PickleGlobalKind.Storage, type);
        }

        foreach (var name in (string[])
        [
            "Size", "device", "float32", "float", "float64", "double", "float16", "half", "bfloat16",
            "int64", "long", "int32", "int", "int16", "short", "int8", "uint8", "bool",
        ])
        {
            yield return new($"torch.{name}", PickleGlobalKind.Opaque);
        }

        // What training scripts keep beside the weights: their arguments, paths, and numbers such as the best score.
        foreach (var name in (string[])
        [
            "argparse.Namespace", "pathlib.PosixPath", "pathlib.PurePosixPath", "numpy.dtype",
            "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.ndarray",
            "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
        ])
        {
            yield return new(name, PickleGlobalKind.Opaque);
        }

        // How protocol 2 writes sets and bytes; the plain types are what a defaultdict makes its values with.
        yield return new("_codecs.encode", PickleGlobalKind.Opaque);
        foreach (var name in (string[])["set", "frozenset", "dict", "list", "int", "float", "str", "bool", "tuple"])
        {
            yield return new($"__builtin__.{name}", PickleGlobalKind.Opaque);
            yield return new($"builtins.{name}", PickleGlobalKind.Opaque);
        }
    }
}
