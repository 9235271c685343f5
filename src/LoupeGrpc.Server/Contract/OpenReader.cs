using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.V1;
using AdaptationSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;

namespace LoupeGrpc.Server.Contract;

/// <summary>The first message of a session, checked, with the server's defaults and limits in it.</summary>
internal static class OpenReader
{
    private const int MaxNameLength = 128;
    private const int MinResponseBytes = 1 << 16;

    /// <summary>Null, and every error in one failure, where it makes no sense.</summary>
    /// <param name="thresholds">Of a session that gives none.</param>
    public static SessionOpening? Read(OpenSession open, LoupeOptions options, VerdictThresholds thresholds, out CallFailure? failure)
    {
        List<string> errors = [];
        CheckLength("session_name", open.SessionName);
        CheckLength("client", open.Client);

        RawLayout? format = null;
        if (open.FrameFormat is not null)
        {
            format = FrameReader.Read(open.FrameFormat, out var badFormat);
            Note(badFormat, "frame_format: ");
        }

        var (delivery, budget) = ReadDelivery(open.Delivery, errors);
        if (open.MaxResponseBytes is > 0 and < MinResponseBytes)
        {
            errors.Add($"max_response_bytes is {open.MaxResponseBytes}, below {MinResponseBytes}");
        }

        var analysis = new AnalysisSettings
        {
            Thresholds = thresholds,
            Deterministic = open.Deterministic,
            MaxResponseBytes = (int)Math.Min(
                open.MaxResponseBytes == 0 ? AnalysisSettings.DefaultResponseBytes : open.MaxResponseBytes, (uint)options.Limits.MaxResponseBytes),
        };
        analysis = analysis with { Thresholds = AnalysisSettingsReader.Read(open.Thresholds, thresholds, out var badThresholds) ?? analysis.Thresholds };
        Note(badThresholds);
        analysis = analysis with { Mask = AnalysisSettingsReader.Read(open.Mask, out var badMask) ?? analysis.Mask };
        Note(badMask);
        analysis = analysis with { Tiles = AnalysisSettingsReader.Read(open.Tiles, options, out var badTiles) ?? analysis.Tiles };
        Note(badTiles);
        if (!AnalysisSettingsReader.TryReadLanguage(open.Explain, out var language, out var badLanguage))
        {
            errors.Add(badLanguage);
        }

        analysis = analysis with { Temporal = TemporalReader.Read(open.Temporal, options.Temporal, analysis.MaxResponseBytes, out var badTemporal) };
        Note(badTemporal, "temporal: ");
        analysis = analysis with { Explain = language, Receipts = open.Receipts && options.Receipts.AreSigned };

        AdaptationSettings? adaptation = null;
        if (open.Adaptation?.Enabled == true)
        {
            adaptation = open.Adaptation.ToSettings(out var badAdaptation);
            Note(badAdaptation, "adaptation: ");
            if (analysis.Tiles.Policy == Engine.TilePolicy.Native)
            {
                errors.Add(TileRequests.NotWhileAdapting);
            }
            else if (analysis.Tiles.PerFrame > 0)
            {
                errors.Add(TileRequests.RotatingNotWhileAdapting);
            }
        }

        var economies = ReadEconomies(open.Economies, errors);
        failure = errors.Count == 0 ? null : CallFailure.Invalid($"the session cannot be opened: {string.Join("; ", errors)}");
        return failure is not null
            ? null
            : new SessionOpening
            {
                Name = open.SessionName,
                Client = open.Client,
                FrameFormat = format,
                Delivery = delivery,
                StalenessBudget = budget,
                Economies = economies,
                Unordered = open.Unordered,
                Analysis = analysis,
                Adaptation = adaptation,
                Resumable = (open.Resumable || adaptation is not null) && options.Sessions.ResumeWindow > TimeSpan.Zero,
                Missing = [.. Features.MissingOf(open, options)],
            };

        void Note(string? error, string prefix = "")
        {
            if (error is not null)
            {
                errors.Add(prefix + error);
            }
        }

        void CheckLength(string name, string text)
        {
            if (text.Length > MaxNameLength)
            {
                errors.Add($"{name} has {text.Length} characters, more than {MaxNameLength}");
            }
        }
    }

    /// <summary>What a client that resumes a session says it has of it.</summary>
    public static ResumeClaim ClaimOf(OpenSession open) => new(open.ResponsesReceived, open.FramesAnswered, open.ControlsAnswered);

    private static Economies ReadEconomies(IEnumerable<Economy> economies, List<string> errors)
    {
        var all = Economies.None;
        foreach (var economy in economies)
        {
            // What is not in the table is none.
            var known = ResultMessages.WireEconomies.FirstOrDefault(known => known.Wire == economy).Economy;
            all |= known;
            if (known == Economies.None)
            {
                errors.Add($"economy {(int)economy} is not known");
            }
        }

        return all;
    }

    private static (Delivery Mode, TimeSpan? Budget) ReadDelivery(DeliveryPolicy? delivery, List<string> errors)
    {
        switch (delivery?.Mode ?? DeliveryMode.Unspecified)
        {
            case DeliveryMode.Unspecified or DeliveryMode.EveryFrame:
                return (Delivery.EveryFrame, null);
            case DeliveryMode.Freshest:
                return (Delivery.Freshest, null);
            case DeliveryMode.StalenessBudget:
                if (delivery!.StalenessBudget is { } wanted && Durations.TryReadPositive(wanted, out var budget))
                {
                    return (Delivery.StalenessBudget, budget);
                }

                errors.Add("delivery by staleness budget needs a staleness_budget above zero");
                break;
            case var unknown:
                errors.Add($"delivery mode {(int)unknown} is not known");
                break;
        }

        return (Delivery.EveryFrame, null);
    }
}
