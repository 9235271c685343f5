using System.Text.Json.Serialization;
using LoupeGrpc.Execution;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Adaptation;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Memory;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// What <c>/v1/operations</c> answers: how the server does, for those who look after it. Of sessions it tells how many frames went which way, and nothing of what was
/// found in them. Counters grow from the beginning of a session: who asks again has the rates.
/// </summary>
internal sealed record OperationsView
{
    /// <summary>Of very many the newest are told.</summary>
    private const int MaxSessions = 256;

    [JsonPropertyName("server")]
    public required string Server { get; init; }

    /// <summary>Whether it takes frames.</summary>
    [JsonPropertyName("ready")]
    public required bool Ready { get; init; }

    [JsonPropertyName("ready_since")]
    public DateTimeOffset? ReadySince { get; init; }

    /// <summary>Of this answer: rates are told by the differences of two.</summary>
    [JsonPropertyName("time")]
    public required DateTimeOffset Time { get; init; }

    [JsonPropertyName("models")]
    public required IReadOnlyList<OperationsModelView> Models { get; init; }

    [JsonPropertyName("queue")]
    public required OperationsQueueView Queue { get; init; }

    [JsonPropertyName("memory")]
    public required IReadOnlyList<OperationsMemoryView> Memory { get; init; }

    /// <summary>All there are, those without a connection among them.</summary>
    [JsonPropertyName("open_sessions")]
    public required int OpenSessions { get; init; }

    /// <summary>The newest first, at most 256.</summary>
    [JsonPropertyName("sessions")]
    public required IReadOnlyList<OperationsSessionView> Sessions { get; init; }

    public static OperationsView Of(
        ModelRepository models, ServingState serving, SessionRegistry sessions, FrameScheduler scheduler, MemoryLedger ledger, AdaptationBudget adaptation, LiveOptions live, TimeProvider time)
    {
        var open = sessions.List();
        var limits = live.Current.Limits;
        return new OperationsView
        {
            Server = $"loupe-grpc-server/{ProductVersion.Informational}",
            Ready = serving.IsServing,
            ReadySince = serving.ReadySince,
            Time = time.GetUtcNow(),
            Models = [.. models.List().Select(OperationsModelView.Of)],
            Queue = new OperationsQueueView(scheduler.OldestWait.TotalSeconds, scheduler.Waiting, scheduler.Inside),
            Memory =
            [
                new OperationsMemoryView("receiving", ledger.Receiving.Held.Bytes, limits.MaxReceivingBytes),
                new OperationsMemoryView("frames", ledger.Frames.Held.Bytes, limits.MaxBufferedBytes),
                new OperationsMemoryView("responses", ledger.Responses.Held, limits.MaxRespondingBytes),
                new OperationsMemoryView("adaptation", adaptation.Used, adaptation.Limit),
            ],
            OpenSessions = open.Count,
            Sessions = [.. open.Reverse().Take(MaxSessions).Select(OperationsSessionView.Of)],
        };
    }
}

/// <param name="Name">That clients ask for.</param>
/// <param name="Model">Name, <c>@</c>, first eight digits of its hash.</param>
/// <param name="State"><c>serving</c>, or <c>leaving</c> where another has its name by now.</param>
/// <param name="Sessions">And single pictures.</param>
/// <param name="Rungs">Every configured execution provider, in the order of preference.</param>
internal sealed record OperationsModelView(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("demonstration")] bool Demonstration,
    [property: JsonPropertyName("state")] string State,
    [property: JsonPropertyName("sessions")] int Sessions,
    [property: JsonPropertyName("rungs")] IReadOnlyList<OperationsRungView> Rungs)
{
    public static OperationsModelView Of(ModelStatus model) => new(
        model.Name,
        model.Analyzer.Model.Title,
        model.Analyzer.Model.Demonstration,
        model.IsLeaving ? "leaving" : "serving",
        model.Users,
        [.. model.Analyzer.Ladder.Select(OperationsRungView.Of)]);
}

/// <param name="State"><c>serving</c>, <c>standby</c>, <c>preparing</c>, <c>unavailable</c> or <c>demoted</c>.</param>
/// <param name="Reason">Why, or what it waits for; may be empty.</param>
/// <param name="BuildingSeconds">Since its engines are being built; null where none are.</param>
internal sealed record OperationsRungView(
    [property: JsonPropertyName("provider")] string Provider,
    [property: JsonPropertyName("state")] string State,
    [property: JsonPropertyName("reason")] string Reason,
    [property: JsonPropertyName("precision")] string Precision,
    [property: JsonPropertyName("device")] string Device,
    [property: JsonPropertyName("building_s")] double? BuildingSeconds,
    [property: JsonPropertyName("sessions")] int Sessions)
{
    public static OperationsRungView Of(RungReport rung) =>
        new(rung.Provider, rung.State.ToString().ToLowerInvariant(), rung.Reason, rung.Precision, rung.Device, rung.Elapsed?.TotalSeconds, rung.Sessions);
}

/// <param name="OldestWaitSeconds">Of the frame that has waited for the engine longest; 0: none waits.</param>
/// <param name="Waiting">Frames that wait for the engine.</param>
/// <param name="Inside">Frames in it.</param>
internal sealed record OperationsQueueView(
    [property: JsonPropertyName("oldest_wait_s")] double OldestWaitSeconds, [property: JsonPropertyName("waiting")] int Waiting, [property: JsonPropertyName("inside")] int Inside);

/// <param name="Kind"><c>receiving</c>, <c>frames</c>, <c>responses</c> or <c>adaptation</c>: what it is kept for.</param>
/// <param name="Held">Bytes now.</param>
/// <param name="Limit">Bytes that it may be.</param>
internal sealed record OperationsMemoryView(
    [property: JsonPropertyName("kind")] string Kind, [property: JsonPropertyName("held")] long Held, [property: JsonPropertyName("limit")] long Limit);

/// <param name="Name">As its client calls it. This and the other texts of clients come without what turns or ends a line.</param>
/// <param name="Owner">Whose it is; <c>a stranger</c>: nobody's.</param>
/// <param name="Client">Its program, as it says.</param>
/// <param name="ParkedSince">Since when it is without a connection; null: it has one.</param>
/// <param name="Frames">Taken in.</param>
/// <param name="InFlight">Without an outcome.</param>
/// <param name="Results">Analysed.</param>
internal sealed record OperationsSessionView(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("owner")] string Owner,
    [property: JsonPropertyName("client")] string Client,
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("provider")] string Provider,
    [property: JsonPropertyName("precision")] string Precision,
    [property: JsonPropertyName("adapts")] bool Adapts,
    [property: JsonPropertyName("opened")] DateTimeOffset Opened,
    [property: JsonPropertyName("parked_since")] DateTimeOffset? ParkedSince,
    [property: JsonPropertyName("frames")] ulong Frames,
    [property: JsonPropertyName("in_flight")] int InFlight,
    [property: JsonPropertyName("results")] ulong Results,
    [property: JsonPropertyName("dropped")] ulong Dropped,
    [property: JsonPropertyName("expired")] ulong Expired,
    [property: JsonPropertyName("failed")] ulong Failed)
{
    public static OperationsSessionView Of(AnalyzeSession session)
    {
        var counts = session.Count();
        var execution = session.Work.Execution;
        return new OperationsSessionView(
            session.Id,
            Printable.Text(session.Name),
            Printable.Text((Caller.Nobody with { Owner = session.Opening.Owner }).Name),
            Printable.Text(session.Client),
            session.Work.Model.Title,
            execution.Provider,
            execution.Precision,
            session.Opening.Adaptation is not null,
            session.OpenedAt,
            session.ParkedSince,
            counts.Frames,
            counts.InFlight,
            counts.Results,
            counts.Dropped,
            counts.Expired,
            counts.Failed);
    }
}

[JsonSerializable(typeof(OperationsView))]
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class OperationsJson : JsonSerializerContext;
