using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Events;

/// <summary>What `--events` tells, from the start of a run to its end.</summary>
internal sealed class EventFeed : IOutcomeSink, IAsyncDisposable
{
    /// <summary>Someone pressed Ctrl-C, and what waits is safe.</summary>
    private static readonly TimeSpan InterruptedWait = TimeSpan.FromSeconds(2);

    private readonly EventOptions _options;
    private readonly CliHost _host;
    private readonly Action<string> _notify;
    private readonly Outbox _outbox;
    private readonly EventPublisher _publisher;
    private readonly RunEvents _events;
    private readonly IFindingTracker _tracker;
    private string? _fault;

    /// <summary>How the run is called in the types of its first and its last event.</summary>
    private readonly string _run;

    private EventFeed(EventOptions options, string session, bool isStream, CliHost host, Action<string> notify)
    {
        (_options, _host, _notify) = (options, host, notify);
        _run = isStream ? "stream" : "run";
        _outbox = Outbox.Open(options.Outbox, options.MaxBytes);
        if (_outbox.Damaged > 0)
        {
            notify(Invariant($"warning: events: {options.Outbox} was damaged: {Count(_outbox.Damaged, "line")} passed over"));
        }

        if (_outbox.Count > 0)
        {
            notify(Invariant($"events: {Count(_outbox.Count, "event")} of an earlier run in {options.Outbox}, sent first"));
        }

        _events = new RunEvents(_outbox, session, host.Time);
        _tracker = isStream ? new FindingTracker(Tell) : new PictureTracker(Tell);
        _publisher = new EventPublisher(_outbox, Receiver(), options.Address, notify, host.Time);
    }

    /// <summary>Takes the outbox, and begins to send what an earlier run left in it.</summary>
    /// <param name="options">Who is told what.</param>
    /// <param name="session">What events are said to come from.</param>
    /// <param name="isStream">Whether rows are frames of one thing; else each is a picture of its own.</param>
    /// <param name="host">The process.</param>
    /// <param name="notify">Tells people what happens.</param>
    /// <exception cref="CliException">The outbox cannot be used.</exception>
    public static EventFeed Open(EventOptions options, string session, bool isStream, CliHost host, Action<string> notify) => new(options, session, isStream, host, notify);

    /// <summary>The session is open.</summary>
    /// <param name="grant">What it was given.</param>
    /// <param name="source">Without credentials; null: it has none.</param>
    /// <param name="server">Without credentials.</param>
    public void Begin(SessionGrant grant, string? source, string server) => Tell($"{_run}.started", new JsonObject
    {
        ["source"] = source,
        ["server"] = server,
        ["session_id"] = grant.SessionId,
        ["model"] = grant.Model is { } model ? new JsonObject { ["name"] = model.Name, ["hash"] = model.Hash, ["demonstration"] = model.Demonstration } : null,
        ["over_time"] = source is null ? null : grant.Temporal?.Enabled == true,
    });

    public void Write(OutcomeRow row)
    {
        if (_options.OfResults)
        {
            Tell("result", JsonSerializer.SerializeToElement(row.ToLine(), OutcomeLine.Json.OutcomeLine));
        }

        _tracker.Write(row);
    }

    /// <summary>The run is over. Waits a bounded time for the receiver, and tells how many events it does not have.</summary>
    /// <param name="reason">COMPLETED, INTERRUPTED, REFUSED or FAILED.</param>
    /// <param name="message">Why, where it is not complete.</param>
    /// <param name="outcomes">How many inputs became what.</param>
    /// <returns>Whether the receiver has all of them.</returns>
    public async Task<bool> CompleteAsync(string reason, string? message, IReadOnlyDictionary<string, long> outcomes)
    {
        _tracker.Complete();
        Tell($"{_run}.ended", new JsonObject
        {
            ["reason"] = reason,
            ["message"] = message,
            [_run == "stream" ? "frames" : "pictures"] = outcomes.Values.Sum(),
            ["outcomes"] = new JsonObject(outcomes.Where(static outcome => outcome.Value > 0).OrderBy(static outcome => outcome.Key, StringComparer.Ordinal)
                .Select(static outcome => KeyValuePair.Create(outcome.Key, (JsonNode?)outcome.Value))),
            ["findings"] = _tracker.Findings,
            ["losses"] = _tracker.Losses,
        });
        if (_publisher.Closed is null)
        {
            var interrupted = _host.Interrupt.IsCancellationRequested && InterruptedWait < _options.Wait;
            await _publisher.CompleteAsync(interrupted ? InterruptedWait : _options.Wait);
        }

        var (waiting, inMemory) = (_outbox.Count, _outbox.CountInMemory);
        _notify(Invariant($"events: {_publisher.Delivered} delivered to {_options.Address}"));
        if (waiting > inMemory)
        {
            _notify(Invariant($"warning: events: {Count(waiting - inMemory, "event")} not delivered; the next run with the outbox {_outbox.Path} sends what is in it"));
        }

        if (inMemory > 0)
        {
            _notify(Invariant($"error: events: {Count(inMemory, "event")} lost: neither the receiver nor {_outbox.Path} took them"));
        }

        if (_outbox.Dropped > 0)
        {
            _notify(Invariant($"error: events: {Count(_outbox.Dropped, "event")} lost, the oldest: more waited than {_outbox.Path} may hold (--events-outbox-size)"));
        }

        return waiting == 0 && _outbox.Dropped == 0 && _publisher.Refused == 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync();
        _outbox.Dispose();
    }

    private void Tell(string type, JsonElement data)
    {
        _events.Write(type, data);
        TellFault();
    }

    private void Tell(string type, JsonObject data)
    {
        _events.Write(type, data);
        TellFault();
    }

    /// <summary>Once, not for each event.</summary>
    private void TellFault()
    {
        if (_outbox.Fault is { } fault && fault != _fault)
        {
            _notify($"warning: events: {_outbox.Path} cannot be written: {fault}; events wait in memory, and end with this program");
        }

        _fault = _outbox.Fault;
    }

    private IEventReceiver Receiver() => _options.Address switch
    {
        EventAddress.Web web => new WebhookReceiver(web, _options.Secret, _options.Authority, _host.Time),
        EventAddress.Mqtt mqtt => new MqttReceiver(mqtt, ClientId(), _options.Authority),
        var other => throw new InvalidOperationException($"No receiver for {other.GetType().Name}."),
    };

    /// <summary>Whoever has the outbox is the only one with this name; another would throw it out at the broker.</summary>
    private string ClientId() =>
        $"loupe-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Environment.MachineName}\n{Path.GetFullPath(_options.Outbox)}")))[..16]}";

    private static string Count(long count, string what) => Invariant($"{count} {what}{(count == 1 ? "" : "s")}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
