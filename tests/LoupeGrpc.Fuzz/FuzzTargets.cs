using LoupeGrpc.Fuzz.Targets;

namespace LoupeGrpc.Fuzz;

/// <summary>Every target there is.</summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } = [.. CheckpointTargets.All, .. MaskTargets.All, .. PictureTargets.All, .. ProvenanceTargets.All, .. ServerTargets.All, .. InferenceTargets.All, .. ClientTargets.All];

    public static FuzzTarget Find(string name) => All.Single(target => target.Name == name);
}
