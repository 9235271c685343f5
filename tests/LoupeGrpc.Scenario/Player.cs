using System.Text.Json;
using System.Text.Json.Nodes;
using LoupeGrpc.Client;

namespace LoupeGrpc.Scenario;

/// <summary>Plays the script step by step. A step that waits longer than <see cref="Patience"/> fails.</summary>
internal sealed class Player(Uri address, ProxyControl proxy, string root, TextWriter output) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly LoupeClient _client = new(new LoupeClientOptions { Address = address, ClientName = "scenario" });
    private readonly Wishes _wishes = new(root);
    private LoupeSession? _session;
    private IAsyncEnumerator<LoupeOutcome>? _results;
    private IAsyncEnumerator<LoupeSessionEvent>? _events;
    private ReadOnlyMemory<byte> _snapshot;

    public async Task PlayAsync(JsonElement part)
    {
        Print(new JsonObject { ["step"] = "part", ["name"] = part.GetProperty("name").GetString() });
        foreach (var step in part.GetProperty("steps").EnumerateArray())
        {
            var (name, wish) = (step.EnumerateObject().Single().Name, step.EnumerateObject().Single().Value);
            try
            {
                await StepAsync(name, wish).WaitAsync(Patience);
            }
            catch (InvalidOperationException error) when (error.Message.Contains("being completed", StringComparison.Ordinal))
            {
                Print(new JsonObject { ["step"] = name, ["error"] = "COMPLETED" });
            }
            catch (LoupeException error)
            {
                Print(new JsonObject
                {
                    ["step"] = name,
                    ["error"] = error switch
                    {
                        LoupeRequestException refused => Line.Name(refused.Code),
                        LoupeConnectionLostException => "CONNECTION_LOST",
                        _ => "UNAVAILABLE",
                    },
                });
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _client.Dispose();
    }

    private async Task StepAsync(string name, JsonElement wish)
    {
        switch (name)
        {
            case "open":
                await CloseAsync();
                _session = await _client.OpenSessionAsync(Wishes.Session(wish, _snapshot));
                _results = _session.Results().GetAsyncEnumerator();
                _events = _session.Events().GetAsyncEnumerator();
                Print(Line.Of(_session.Grant));
                break;
            case "analyze":
                Print(Line.Of(await _client.AnalyzeImageAsync(
                    _wishes.Frame(wish),
                    wish.TryGetProperty("thresholds", out var thresholds) ? Wishes.Thresholds(thresholds) : null,
                    wish.TryGetProperty("mask", out var mask) ? Wishes.Mask(mask) : null)));
                break;
            case "send":
                await _session!.SendAsync(_wishes.Frame(wish));
                break;
            case "read":
                for (var left = wish.GetInt32(); left > 0; left--)
                {
                    if (!await _results!.MoveNextAsync())
                    {
                        throw new InvalidOperationException($"the session ended with {left} outcomes to come: {_session!.Fault?.Message}");
                    }

                    Print(Line.Of(_results.Current));
                }

                break;
            case "control":
                await ControlAsync(wish);
                break;
            case "proxy":
                await proxy.SendAsync(wish.GetString()!);
                break;
            case "takeover":
                await proxy.SendAsync($"takeover {Convert.ToHexStringLower(_session!.Grant.ResumeToken.Span)}");
                break;
            case "resumed":
                while (await _events!.MoveNextAsync() && _events.Current is not LoupeResumed)
                {
                }

                Print(new JsonObject { ["step"] = "resumed", ["lost"] = _session!.Fault is not null });
                break;
            case "fault":
                while (await _results!.MoveNextAsync())
                {
                    Print(Line.Of(_results.Current));
                }

                Print(new JsonObject { ["step"] = "fault", ["lost"] = _session!.Fault is LoupeConnectionLostException });
                break;
            case "complete":
                Print(Line.Of(await _session!.CompleteAsync()));
                break;
            case "close":
                await CloseAsync();
                break;
            default:
                throw new InvalidOperationException($"the script has a step {name} that this player does not know");
        }
    }

    private async Task ControlAsync(JsonElement wish)
    {
        var kind = wish.GetProperty("kind").GetString()!;
        var reply = await (kind switch
        {
            "set_thresholds" => _session!.SetThresholdsAsync(Wishes.Thresholds(wish)),
            "set_mask" => _session!.SetMaskAsync(Wishes.Mask(wish.GetProperty("mask"))),
            "flush" => _session!.FlushAsync(),
            "set_adaptation" => _session!.SetAdaptationAsync(Wishes.Adaptation(wish)),
            "freeze_adaptation" => _session!.FreezeAdaptationAsync(),
            "resume_adaptation" => _session!.ResumeAdaptationAsync(),
            "reset_adaptation" => _session!.ResetAdaptationAsync(),
            "rollback_adaptation" => _session!.RollbackAdaptationAsync(wish.TryGetProperty("to_step", out var to) ? to.GetUInt64() : null),
            "snapshot_adaptation" => _session!.SnapshotAdaptationAsync(),
            _ => throw new InvalidOperationException($"the script has a control {kind} that this player does not know"),
        });
        if (!reply.Snapshot.IsEmpty)
        {
            _snapshot = reply.Snapshot.Memory;
        }

        Print(Line.Of(kind, reply));
    }

    private async Task CloseAsync()
    {
        if (_session is not null)
        {
            await _session.DisposeAsync();
            await _results!.DisposeAsync();
            await _events!.DisposeAsync();
            _session = null;
        }
    }

    private void Print(JsonObject line) => output.WriteLine(Line.Write(line));
}
