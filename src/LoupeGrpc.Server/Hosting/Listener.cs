using Microsoft.AspNetCore.Routing.Matching;

namespace LoupeGrpc.Server.Hosting;

/// <summary>What an address is for.</summary>
internal enum Listener
{
    /// <summary>Sessions and pictures, for clients.</summary>
    Grpc,

    /// <summary>Probes and metrics, for operators.</summary>
    Operations,

    /// <summary>Pictures over plain HTTP, for browsers and whatever speaks that.</summary>
    Web,
}

/// <summary>The listener of a connection, among its features; of an endpoint, in its metadata.</summary>
internal sealed record ServedOn(Listener Listener);

/// <summary>An endpoint is there only on its own listener. Asked for by the connection itself: a host name in a header could be anything.</summary>
internal sealed class ListenerPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    public override int Order => 0;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(static endpoint => endpoint.Metadata.GetMetadata<ServedOn>() is not null);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var here = httpContext.Features.Get<ServedOn>();
        for (var i = 0; i < candidates.Count; i++)
        {
            if (candidates[i].Endpoint?.Metadata.GetMetadata<ServedOn>() is { } there && there != here)
            {
                candidates.SetValidity(i, false);
            }
        }

        return Task.CompletedTask;
    }
}
