using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LoupeGrpc.Results;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LoupeGrpc.Server.Web;

/// <summary>What is answered over plain HTTP, as an OpenAPI document at <c>/openapi.json</c>: made by the framework of the endpoints and of the types of their answers.</summary>
internal static class ApiDocument
{
    public const string Analyze = "analyze";

    public const string Info = "info";

    public const string Operations = "operations";

    /// <summary>The framework's name of it.</summary>
    public const string Name = "v1";

    private const string ProblemJson = "application/problem+json";

    /// <summary>What can go wrong, of the two.</summary>
    private static readonly (int Status, string Words)[] Problems =
    [
        (400, "The picture, the form or the query is not valid."),
        (401, "Who calls is not known here."),
        (403, "Whoever calls may not have this."),
        (406, "The answer is not of a type that is accepted."),
        (408, "The body paused for too long."),
        (413, "The picture, or the number of pictures, is over a limit."),
        (415, "The picture's or the body's format is not read here."),
        (500, "A fault of the server; its log has the reason."),
        (503, "Too much waits already, or the server is stopping: try again."),
        (504, "The picture was not analysed in time."),
    ];

    public static void AddApiDocument(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(static json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, OutcomeJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, OperationsJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ServerInfoJson.Default.WithAddedModifier(static type =>
            {
                foreach (var property in type.Properties)
                {
                    property.Name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
                }
            }));
        });
        services.AddOpenApi(Name, static document =>
        {
            document.ShouldInclude = static endpoint => endpoint.ActionDescriptor.EndpointMetadata.OfType<EndpointNameMetadata>().Any(static name => name.EndpointName is Analyze or Info or Operations);
            document.AddDocumentTransformer(static (api, _, _) =>
            {
                Describe(api);
                return Task.CompletedTask;
            });
            document.AddSchemaTransformer(static (schema, context, _) =>
            {
                // What is null is left out.
                foreach (var property in context.JsonTypeInfo.Properties.Where(static property => property.IsGetNullable || Nullable.GetUnderlyingType(property.PropertyType) is not null))
                {
                    schema.Required?.Remove(property.Name);
                }

                return Task.CompletedTask;
            });
            document.AddOperationTransformer(static (operation, context, cancellation) => operation.OperationId switch
            {
                Analyze => DescribeAnalyzeAsync(operation, context, cancellation),
                Operations => DescribeOperationsAsync(operation, context, cancellation),
                _ => DescribeInfoAsync(operation, context, cancellation),
            });
        });
    }

    public static async Task AnswerAsync(HttpContext http)
    {
        var document = await http.RequestServices.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync(http.RequestAborted).ConfigureAwait(false);
        document.Servers = [new OpenApiServer { Url = $"{http.Request.Scheme}://{http.Request.Host}" }];
        http.Response.ContentType = AnswerForms.Json;
        await http.Response.WriteAsync(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, http.RequestAborted).ConfigureAwait(false), http.RequestAborted)
            .ConfigureAwait(false);
    }

    private static void Describe(OpenApiDocument api)
    {
        api.Info = new OpenApiInfo
        {
            Title = "LoupeGrpc",
            Version = ProductVersion.Version,
            License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
            Description = "Whether pictures were manipulated, and where. Sessions of many frames are WebSockets at /v1/stream, of the messages of loupe.v1, or gRPC.",
        };
        var schemes = (api.Components ??= new OpenApiComponents()).SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
        schemes["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key or a token, where the server asks for one." };
        api.Security = [[], new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("key", api)] = [] }];
        api.Tags = new HashSet<OpenApiTag> { new() { Name = "analysis", Description = "Pictures, and what analyses them." }, new() { Name = "operations", Description = "How the server does." } };
    }

    private static async Task DescribeAnalyzeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        Begin(
            operation,
            context,
            "Analyses pictures.",
            "A body is one picture and answered with an object; a form may have several, and is answered with an array then. By Accept: the overlay of one picture (image/png), or a report of all (text/html).");
        operation.Parameters =
        [
            Query("mask", "When a mask is computed.", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["always", "suspected", "never"], Default = "suspected" }),
            Query("thresholds", "LOW,HIGH: scores below LOW are authentic, from HIGH on manipulated.", new OpenApiSchema
            {
                Type = JsonSchemaType.String, Pattern = "^[0-9.]+,[0-9.]+$", Examples = ["0.4,0.6"],
            }),
            Query("tiles", "Whether the picture is looked at in tiles, its pixels as they are: if it is large and the model was trained so, in any case, or not.", new OpenApiSchema
            {
                Type = JsonSchemaType.String, Enum = ["auto", "native", "off"], Default = "off",
            }),
            Query("max_tiles", "The most tiles of a picture, each a run of the model.", new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Default = 256 }),
            Query("explain", "The language in which results are explained in sentences. Without it: they are not.", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["en", "zh"] }),
            Query("receipt", "Whether the result comes with a signed receipt. Needs a server with a key for that (Loupe:Receipts:Key).", new OpenApiSchema { Type = JsonSchemaType.Boolean, Default = false }),
            Query("model", "Which of the server's models analyses it: a name from /v1/info. Without it: the server's first.", new OpenApiSchema { Type = JsonSchemaType.String }),
        ];
        var file = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["image/*"] = new() { Schema = file },
                ["application/octet-stream"] = new() { Schema = file },
                ["multipart/form-data"] = new()
                {
                    Schema = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Object,
                        Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal) { ["file"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = file } },
                        Required = new HashSet<string>(StringComparer.Ordinal) { "file" },
                    },
                },
            },
        };
        var outcome = await context.GetOrCreateSchemaAsync(typeof(OutcomeLine), null, cancellation).ConfigureAwait(false);
        context.Document!.AddComponent("Outcome", outcome);
        var one = new OpenApiSchemaReference("Outcome", context.Document);
        operation.Responses!["200"] = Answer("What became of each picture.", new OpenApiSchema { OneOf = [one, new OpenApiSchema { Type = JsonSchemaType.Array, Items = one }] }, Example());
        operation.Responses["200"].Content![AnswerForms.Png] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" }, Example = "(the bytes of a PNG file)" };
        operation.Responses["200"].Content![AnswerForms.Html] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            Example = "<!doctype html><html lang=\"en\"><head><title>Report on 1 picture</title></head><body></body></html>",
        };
        AddProblems(operation, Problems);
    }

    private static async Task DescribeInfoAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        Begin(operation, context, "Says what is served.", "The model, what runs it, and the limits.");
        context.Document!.AddComponent("ServerInfo", await context.GetOrCreateSchemaAsync(typeof(ServerInfoView), null, cancellation).ConfigureAwait(false));
        operation.Responses!["200"] = Answer("The server.", new OpenApiSchemaReference("ServerInfo", context.Document), null);
        AddProblems(operation, Problems.Where(static problem => problem.Status is 401 or 403));
    }

    private static async Task DescribeOperationsAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        Begin(operation, context, "Says how the server does.", "For whoever has the role observe: sessions, execution providers and their builds, the queue and the memory. Nothing of what was found in pictures.", "operations");
        context.Document!.AddComponent("Operations", await context.GetOrCreateSchemaAsync(typeof(OperationsView), null, cancellation).ConfigureAwait(false));
        operation.Responses!["200"] = Answer("How it does now.", new OpenApiSchemaReference("Operations", context.Document), OperationsExample());
        AddProblems(operation, Problems.Where(static problem => problem.Status is 401 or 403));
    }

    private static void Begin(OpenApiOperation operation, OpenApiOperationTransformerContext context, string summary, string description, string tag = "analysis")
    {
        operation.Summary = summary;
        operation.Description = description;
        operation.Tags = new HashSet<OpenApiTagReference> { new(tag, context.Document) };
    }

    private static OpenApiParameter Query(string name, string description, OpenApiSchema schema) =>
        new() { Name = name, In = ParameterLocation.Query, Description = description, Schema = schema };

    private static OpenApiResponse Answer(string description, IOpenApiSchema schema, JsonNode? example) => new()
    {
        Description = description,
        Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal) { [AnswerForms.Json] = new() { Schema = schema, Example = example } },
    };

    private static void AddProblems(OpenApiOperation operation, IEnumerable<(int Status, string Words)> problems)
    {
        foreach (var (status, words) in problems)
        {
            operation.Responses![$"{status}"] = new OpenApiResponse
            {
                Description = words,
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    [ProblemJson] = new()
                    {
                        Schema = new OpenApiSchema
                        {
                            Type = JsonSchemaType.Object,
                            Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
                            {
                                ["type"] = Text(),
                                ["title"] = Text(),
                                ["detail"] = Text(),
                                ["code"] = Text(),
                                ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
                            },
                        },
                    },
                },
            };
        }

        static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };
    }

    private static JsonNode OperationsExample() => JsonNode.Parse("""
        {
          "server": "loupe-grpc-server/0.2.0", "ready": true, "ready_since": "2026-11-28T00:00:00+00:00", "time": "2026-11-28T01:00:00+00:00",
          "models": [ { "name": "default", "model": "loupe-nano@3e3edae0", "demonstration": true, "state": "serving", "sessions": 1, "rungs": [
            { "provider": "CPU", "state": "serving", "reason": "", "precision": "fp32", "device": "", "sessions": 1 } ] } ],
          "queue": { "oldest_wait_s": 0.02, "waiting": 3, "inside": 6 },
          "memory": [ { "kind": "frames", "held": 2764800, "limit": 1073741824 } ],
          "open_sessions": 1,
          "sessions": [ {
            "id": "s-1", "name": "gate 3", "owner": "key:gate-3", "client": "loupe-page", "model": "loupe-nano@3e3edae0", "provider": "CPU", "precision": "fp32", "adapts": false,
            "opened": "2026-11-28T00:59:00+00:00", "frames": 1500, "in_flight": 3, "results": 1490, "dropped": 7, "expired": 0, "failed": 0 } ]
        }
        """)!;

    /// <summary>Of one of the samples, shortened.</summary>
    private static JsonNode Example() => JsonNode.Parse("""
        {
          "path": "forged-cat-in-coffee.jpg", "frame_id": 0, "outcome": "RESULT", "score": 0.85927373, "verdict": "MANIPULATED", "width": 320, "height": 240,
          "mask_area": 15854, "regions": [ { "box": [154, 36, 124, 116], "area": 10377, "mean": 1.1087737 } ], "notes": [],
          "sha256": "a0d6e2a3fb13e0b1226de6050c1670610ce05ab88d3b09a2274150af22c3afb8", "provider": "CPU"
        }
        """)!;
}
