using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Execution;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>The model and what it runs on, as messages.</summary>
internal static class ExecutionMessages
{
    public static ModelInfo ToMessage(this ModelPackage package) => new()
    {
        Name = package.Manifest.Name,
        Version = package.Manifest.Version,
        Hash = package.Hash,
        Demonstration = package.Manifest.Demonstration,
        ImageSize = (uint)package.Manifest.ImageSize,
        PatchGrid = (uint)package.Manifest.Grid,
    };

    public static ProviderRung ToMessage(this RungReport rung) => new()
    {
        Provider = rung.Provider,
        State = rung.State,
        Reason = rung.Reason,
        Precision = rung.Precision,
        Device = rung.Device,
        Elapsed = rung.Elapsed is { } elapsed ? Duration.FromTimeSpan(elapsed) : null,
        Sessions = (uint)rung.Sessions,
    };
}
