using System.Runtime.Intrinsics.X86;

namespace LoupeGrpc.Execution;

/// <summary>
/// Whether this processor is faster in 8 bits than in single precision: x86 with instructions for products of bytes (VNNI), which ONNX Runtime uses. Without them it adds
/// two products at a time in 16 bits, where large ones overflow: the answers would not be those of the machine that converted the package. Other processors were not measured.
/// </summary>
internal static class Int8Processor
{
    private const int FeatureLeaf = 7;
    private const int Avx512VnniBit = 1 << 11;
    private const int AvxVnniBit = 1 << 4;

    /// <summary>Whether graphs in 8 bits are taken where nobody says what to take.</summary>
    public static bool IsFast { get; } = HasAvx512Vnni || HasAvxVnni;

    /// <summary>For people, one sentence.</summary>
    public static string Description { get; } = HasAvx512Vnni ? "This processor has AVX-512 VNNI, which makes int8 the faster one."
        : HasAvxVnni ? "This processor has AVX-VNNI, which makes int8 the faster one."
        : X86Base.IsSupported ? "This processor has no VNNI, without which int8 is not as exact and hardly faster."
        : "This processor is no x86, and int8 was not measured on others.";

    private static bool HasAvx512Vnni => Avx512BW.VL.IsSupported && (X86Base.CpuId(FeatureLeaf, 0).Ecx & Avx512VnniBit) != 0;

    private static bool HasAvxVnni => Avx2.IsSupported && X86Base.CpuId(FeatureLeaf, 0).Eax > 0 && (X86Base.CpuId(FeatureLeaf, 1).Eax & AvxVnniBit) != 0;
}
