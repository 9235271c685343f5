using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Contract;

/// <summary>An <see cref="OpenSession"/>, checked, with the server's defaults and limits in it. Immutable.</summary>
internal sealed record SessionRequest
{
    private const int MaxNameLength = 128;
    private const int MinResponseBytes = 1 << 16;

    /// <summary>May be empty.</summary>
    public required string Name { get; init; }

    /// <summary>May be empty.</summary>
    public required string Client { get; init; }

    /// <summary>Of raw frames that have none of their own.</summary>
    public RawLayout? FrameFormat { get; init; }

    public required DeliveryMode Delivery { get; init; }

    /// <summary>Set with <see cref="DeliveryMode.StalenessBudget"/> only.</summary>
    public TimeSpan? StalenessBudget { get; init; }

    public required bool Unordered { get; init; }

    /// <summary>At the start of the session.</summary>
    public required AnalysisSettings Analysis { get; init; }

    /// <summary>Null: without adaptation.</summary>
    public AdaptationSettings? Adaptation { get; init; }

    /// <summary>State to begin with; empty: the model's own parameters.</summary>
    public required ByteString AdaptationSnapshot { get; init; }

    /// <summary>Whether the session outlives its connection.</summary>
    public required bool Resumable { get; init; }

    /// <summary>Parts that were asked for and are not there.</summary>
    public required IReadOnlyList<Unavailable> Unavailable { get; init; }

    /// <summary>Null, and every mistake in one failure, where it makes no sense.</summary>
    public static SessionRequest? Read(OpenSession open, LoupeOptions options, out FrameFailure? failure)
    {
        List<string> mistakes = [];
        CheckLength("session_name", open.SessionName);
        CheckLength("client", open.Client);

        RawLayout? format = null;
        if (open.FrameFormat is not null)
        {
            format = FrameReader.Read(open.FrameFormat, out var mistake);
            Note(mistake, "frame_format: ");
        }

        var (delivery, budget) = ReadDelivery(open.Delivery, mistakes);
        if (open.MaxResponseBytes is > 0 and < MinResponseBytes)
        {
            mistakes.Add($"max_response_bytes is {open.MaxResponseBytes}, below {MinResponseBytes}");
        }

        var analysis = new AnalysisSettings
        {
            Thresholds = options.Thresholds,
            Deterministic = open.Deterministic,
            MaxResponseBytes = (int)Math.Min(
                open.MaxResponseBytes == 0 ? AnalysisSettings.DefaultResponseBytes : open.MaxResponseBytes, (uint)options.Limits.MaxResponseBytes),
        };
        analysis = analysis.With(open.Thresholds, options.Thresholds, out var badThresholds) ?? analysis;
        Note(badThresholds);
        analysis = analysis.With(open.Mask, out var badMask) ?? analysis;
        Note(badMask);

        AdaptationSettings? adaptation = null;
        if (open.Adaptation?.Enabled == true)
        {
            adaptation = open.Adaptation.ToSettings(out var badAdaptation);
            Note(badAdaptation, "adaptation: ");
        }

        failure = mistakes.Count == 0 ? null : new FrameFailure(FailureKind.Invalid, $"the session cannot be opened: {string.Join("; ", mistakes)}");
        return failure is not null
            ? null
            : new SessionRequest
            {
                Name = open.SessionName,
                Client = open.Client,
                FrameFormat = format,
                Delivery = delivery,
                StalenessBudget = budget,
                Unordered = open.Unordered,
                Analysis = analysis,
                Adaptation = adaptation,
                AdaptationSnapshot = open.AdaptationSnapshot,
                Resumable = (open.Resumable || adaptation is not null) && options.Sessions.ResumeWindow > TimeSpan.Zero,
                Unavailable = [.. Features.UnavailableOf(open, options)],
            };

        void Note(string? mistake, string prefix = "")
        {
            if (mistake is not null)
            {
                mistakes.Add(prefix + mistake);
            }
        }

        void CheckLength(string name, string text)
        {
            if (text.Length > MaxNameLength)
            {
                mistakes.Add($"{name} has {text.Length} characters, more than {MaxNameLength}");
            }
        }
    }

    public DeliveryPolicy ToDeliveryPolicy() => new()
    {
        Mode = Delivery,
        StalenessBudget = StalenessBudget is { } budget ? Duration.FromTimeSpan(budget) : null,
    };

    private static (DeliveryMode Mode, TimeSpan? Budget) ReadDelivery(DeliveryPolicy? delivery, List<string> mistakes)
    {
        switch (delivery?.Mode ?? DeliveryMode.Unspecified)
        {
            case DeliveryMode.Unspecified or DeliveryMode.EveryFrame:
                return (DeliveryMode.EveryFrame, null);
            case DeliveryMode.Freshest:
                return (DeliveryMode.Freshest, null);
            case DeliveryMode.StalenessBudget:
                if (delivery!.StalenessBudget is { } wanted && Durations.TryReadPositive(wanted, out var budget))
                {
                    return (DeliveryMode.StalenessBudget, budget);
                }

                mistakes.Add("delivery by staleness budget needs a staleness_budget above zero");
                break;
            case var unknown:
                mistakes.Add($"delivery mode {(int)unknown} is not known");
                break;
        }

        return (DeliveryMode.EveryFrame, null);
    }
}
