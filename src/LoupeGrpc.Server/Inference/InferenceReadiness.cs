using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Inference;

/// <summary>Whether pictures can be analysed now; as what is behind <c>grpc.health.v1</c>.</summary>
internal sealed class InferenceReadiness(ServingState serving, ModelRepository repository)
{
    public bool IsReady => serving.IsServing && !repository.IsOverdue;
}
