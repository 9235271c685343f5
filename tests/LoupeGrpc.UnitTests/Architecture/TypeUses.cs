using ArchUnitNET.Loader;
using Assembly = System.Reflection.Assembly;

namespace LoupeGrpc.UnitTests.Architecture;

/// <summary>A type that uses another one: in its base, its members, its attributes or its code.</summary>
/// <param name="From">Full name.</param>
/// <param name="To">Full name.</param>
internal sealed record TypeUse(string From, string To)
{
    /// <summary>The namespace under a root that a type is in, one level deep; null where it is in none.</summary>
    /// <param name="root">E.g. <c>LoupeGrpc.Server</c>.</param>
    public static string? RoomOf(string type, string root)
    {
        var parts = type.StartsWith($"{root}.", StringComparison.Ordinal) ? type[(root.Length + 1)..].Split('.') : [];
        return parts.Length > 1 ? parts[0] : null;
    }
}

/// <summary>Reads uses from what was compiled.</summary>
internal static class TypeUses
{
    public static IReadOnlyList<TypeUse> Of(Assembly assembly) => Of(new ArchLoader().LoadAssembly(assembly));

    /// <param name="space">With those below it.</param>
    public static IReadOnlyList<TypeUse> Of(Assembly assembly, string space) =>
        Of(new ArchLoader().LoadNamespacesWithinAssembly(assembly, space));

    private static List<TypeUse> Of(ArchLoader loader) =>
        [.. loader.Build().Types.SelectMany(static type => type.Dependencies, static (type, dependency) => new TypeUse(type.FullName, dependency.Target.FullName)).Distinct()];
}
