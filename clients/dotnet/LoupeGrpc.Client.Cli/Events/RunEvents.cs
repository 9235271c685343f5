using System.Globalization;
using System.Net.Mime;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.SystemTextJson;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>
/// Writes the events of one run into its outbox, as CloudEvents 1.0. `id` is unique; `sequence` counts the run's events and shows what is missing between them.
/// </summary>
/// <param name="outbox">Where they wait.</param>
/// <param name="session">The session's name.</param>
/// <param name="time">When they happen.</param>
internal sealed class RunEvents(Outbox outbox, string session, TimeProvider time)
{
    private static readonly JsonEventFormatter Formatter = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }, default);
    private static readonly CloudEventAttribute Sequence = CloudEventAttribute.CreateExtension("sequence", CloudEventAttributeType.String);

    private readonly Lock _lock = new();
    private readonly string _run = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
    private readonly Uri _source = new($"/loupe-grpc-client/{Uri.EscapeDataString(session)}", UriKind.Relative);
    private long _next;

    /// <param name="type">Behind `loupe.v1.`.</param>
    /// <param name="data">What there is to say; nulls are left out, as everywhere.</param>
    public void Write(string type, JsonObject data) =>
        Write(type, (object)new JsonObject(data.Where(static field => field.Value is not null).Select(static field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value!.DeepClone()))));

    public void Write(string type, JsonElement data) => Write(type, (object)data);

    private void Write(string type, object data)
    {
        lock (_lock)
        {
            // As text it sorts like a number.
            var sequence = string.Create(CultureInfo.InvariantCulture, $"{++_next:0000000000}");
            var told = new CloudEvent([Sequence])
            {
                Id = $"{_run}-{sequence}",
                Source = _source,
                Type = $"loupe.v1.{type}",
                Time = time.GetUtcNow(),
                DataContentType = MediaTypeNames.Application.Json,
                Data = data,
                [Sequence] = sequence,
            };
            outbox.Add(told.Id, Formatter.EncodeStructuredModeMessage(told, out _));
        }
    }
}
