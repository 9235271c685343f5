using System.Reflection;

namespace LoupeGrpc.Server;

/// <summary>This program's name and version.</summary>
internal static class ProductVersion
{
    /// <summary>E.g. <c>0.1.0</c>.</summary>
    public static string Version { get; } = typeof(ProductVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>The same with the commit it was built from, where that is known.</summary>
    public static string Informational { get; } =
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? Version;

    /// <summary>E.g. <c>loupe-grpc-server/0.1.0</c>.</summary>
    public static string Name { get; } = $"loupe-grpc-server/{Version}";
}
