using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Infrastructure;

/// <summary>Where a server on the stand-in keeps things: the model with all others, engines and the provider's library alone, so that nothing is known of it yet.</summary>
/// <param name="model">Directory of the package that it serves; empty: the embedded model.</param>
internal sealed class LadderPlace(string directory, string modelCache, string model = "")
{
    public string Model => model;

    public string ModelCache => modelCache;

    public string Engines => Path.Combine(directory, "engines");

    public string Library
    {
        get
        {
            var path = Path.Combine(directory, "libloupe_standin.so");
            return File.Exists(path) ? path : StandIn.CopyTo(path, Path.GetFileName(directory));
        }
    }
}
