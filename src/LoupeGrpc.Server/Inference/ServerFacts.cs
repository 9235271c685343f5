using LoupeGrpc.Inference;

namespace LoupeGrpc.Server.Inference;

/// <summary>What this server is, by the protocol's words.</summary>
internal static class ServerFacts
{
    /// <summary>Of its gRPC service, with the package.</summary>
    public static string ServiceName => GRPCInferenceService.Descriptor.FullName;

    /// <summary>Of the protocol, that are there whole.</summary>
    private static readonly string[] Extensions = ["binary_tensor_data", "model_configuration", "parameters", "sequence", "statistics"];

    public static ServerMetadataResponse Message => new() { Name = "loupe-grpc-server", Version = ProductVersion.Version, Extensions = { Extensions } };
}
