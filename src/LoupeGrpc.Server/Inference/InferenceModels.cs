using LoupeGrpc.Server.Models;

namespace LoupeGrpc.Server.Inference;

/// <summary>Models by name and version, which is <see cref="Packaging.ModelDescription.ShortHash"/>: it tells one package from another that took its place.</summary>
internal sealed class InferenceModels(ModelRepository repository)
{
    /// <summary>What runs them, by the protocol's words.</summary>
    public const string Platform = "onnxruntime_onnx";

    /// <inheritdoc cref="Platform"/>
    public const string Backend = "onnxruntime";

    public IReadOnlyList<ModelStatus> List() => repository.ListServing();

    /// <param name="name">Empty: the default.</param>
    /// <param name="version">Empty: whichever serves.</param>
    /// <exception cref="InferenceException"/>
    public ModelStatus Find(string name, string version) => TryFind(name, version) ?? throw NotFound(name, version);

    /// <inheritdoc cref="Find"/>
    /// <returns>Null: there is none.</returns>
    public ModelStatus? TryFind(string name, string version) =>
        TryFind(name) is { } model && (version.Length == 0 || VersionOf(model) == version) ? model : null;

    public InferenceException NotFound(string name, string version) => InferenceException.NotFound(TryFind(name) is { } model
        ? $"Request for unknown model: '{model.Name}' version {ShownText.Of(version)} is not found: it is {VersionOf(model)}"
        : $"Request for unknown model: '{ShownText.Of(name)}' is not found: expected {string.Join(" or ", repository.Names)}");

    public static string VersionOf(ModelStatus model) => model.Analyzer.Model.ShortHash;

    private ModelStatus? TryFind(string name)
    {
        var models = List();
        return name.Length == 0 ? models[0] : models.FirstOrDefault(model => model.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }
}
