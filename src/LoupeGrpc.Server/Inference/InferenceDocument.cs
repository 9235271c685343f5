using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoupeGrpc.Server.Inference;

/// <summary>
/// <c>/v2</c> in the server's OpenAPI document. Its answers are the protocol's and no types of ours, so it is written down as it is published, in <c>openapi.json</c>
/// beside this file; what each path of a model has, its path of a version has too.
/// </summary>
internal static class InferenceDocument
{
    private const string Resource = "inference.openapi.json";
    private const string OfModel = "/v2/models/{name}";
    private const string OfVersion = "/versions/{version}";
    private const string Version = "InferenceVersion";

    /// <param name="name">Of the document, which is there already.</param>
    public static void AddInferenceDocument(this IServiceCollection services, string name) => services.Configure<OpenApiOptions>(
        name,
        static document => document.AddDocumentTransformer(static (api, _, _) =>
        {
            Add(api);
            return Task.CompletedTask;
        }));

    private static void Add(OpenApiDocument api)
    {
        using var content = new StreamReader(typeof(InferenceDocument).Assembly.GetManifestResourceStream(Resource)!);
        var read = OpenApiDocument.Parse(content.ReadToEnd(), "json");
        if (read.Document is not { } protocol || read.Diagnostic is { Errors.Count: > 0 })
        {
            throw new InvalidDataException($"{Resource}: {string.Join("; ", read.Diagnostic?.Errors.Select(static error => error.Message) ?? [])}");
        }

        foreach (var tag in protocol.Tags ?? new HashSet<OpenApiTag>())
        {
            (api.Tags ??= new HashSet<OpenApiTag>()).Add(tag);
        }

        var components = api.Components ??= new OpenApiComponents();
        components.Schemas = Joined(components.Schemas, protocol.Components!.Schemas);
        components.Responses = Joined(components.Responses, protocol.Components.Responses);
        components.Parameters = Joined(components.Parameters, protocol.Components.Parameters);
        foreach (var (path, item) in protocol.Paths)
        {
            api.Paths.Add(path, item);
            if (path.StartsWith(OfModel, StringComparison.Ordinal))
            {
                api.Paths.Add(path.Insert(OfModel.Length, OfVersion), ToVersion((OpenApiPathItem)item, api));
            }
        }
    }

    private static Dictionary<string, T> Joined<T>(IDictionary<string, T>? ours, IDictionary<string, T>? theirs) =>
        (ours ?? new Dictionary<string, T>()).Concat(theirs ?? new Dictionary<string, T>()).ToDictionary(StringComparer.Ordinal);

    private static OpenApiPathItem ToVersion(OpenApiPathItem model, OpenApiDocument api)
    {
        var version = new OpenApiPathItem { Parameters = [.. model.Parameters ?? [], new OpenApiParameterReference(Version, api)] };
        foreach (var (method, operation) in model.Operations!)
        {
            version.AddOperation(method, new OpenApiOperation(operation) { OperationId = $"{operation.OperationId}OfVersion" });
        }

        return version;
    }
}
