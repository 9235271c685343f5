using LoupeGrpc.Engine;
using LoupeGrpc.Packaging;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Security;

namespace LoupeGrpc.Server.Inference;

/// <summary>A request, whatever carried it.</summary>
/// <param name="Model">As the server calls it.</param>
/// <param name="Version">As it was asked for; empty: whichever serves.</param>
/// <param name="Id">Echoed.</param>
/// <param name="Outputs">At least one.</param>
internal sealed record InferenceCall(
    string Model, string Version, string Id, InferenceParameters Parameters, IReadOnlyList<FrameInput> Pictures, IReadOnlyList<string> Outputs);

/// <summary>Who sent it.</summary>
/// <param name="Connection">The server's name of the connection.</param>
/// <param name="Peer">The client's address.</param>
internal sealed record InferenceClient(string Connection, string Peer, Caller Caller)
{
    public static InferenceClient Of(HttpContext http) => new(http.Connection.Id, PeerAddress.NameOf(http.Connection), Caller.Of(http));
}

/// <summary>The answer.</summary>
/// <param name="Parameters">Texts and whole numbers.</param>
internal sealed record InferenceAnswer(
    string Model, string Version, string Id, IReadOnlyList<OutputTensor> Outputs, IReadOnlyList<KeyValuePair<string, object>> Parameters);

/// <summary>What was found in the pictures of a request.</summary>
/// <param name="Ends">Of each.</param>
/// <param name="Model">That analysed them; null: none did.</param>
/// <param name="Unadapted">Why a sequence is answered without adaptation; null: it is not, or is none.</param>
internal sealed record InferenceFindings(IReadOnlyList<Sessions.Frames.FrameEnd> Ends, ModelDescription? Model, string? Unadapted = null);
