using Microsoft.ML.OnnxRuntime;

namespace LoupeGrpc.Engine.Execution;

/// <summary>
/// The one way to ONNX Runtime's environment. The variable that RuntimeTelemetry sets keeps telemetry from starting; the library's own switch, thrown here,
/// would hold back the events of a build that does not know the variable.
/// </summary>
internal static class OrtEnvironment
{
    private static readonly Lazy<OrtEnv> Shared = new(static () =>
    {
#pragma warning disable RS0030 // The one place.
        var environment = OrtEnv.Instance();
#pragma warning restore RS0030
        environment.DisableTelemetryEvents();
        return environment;
    });

    /// <exception cref="DllNotFoundException">The library is not there, or does not load.</exception>
    /// <exception cref="TypeInitializationException">The same.</exception>
    public static OrtEnv Instance => Shared.Value;
}
