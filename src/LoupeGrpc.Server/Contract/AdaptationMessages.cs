using Google.Protobuf;
using LoupeGrpc.Engine.Adaptation;
using LoupeGrpc.V1;
using EngineAction = LoupeGrpc.Engine.Adaptation.GuardAction;
using EngineSettings = LoupeGrpc.Engine.Adaptation.AdaptationSettings;
using Wire = LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>Adaptation between the contract and the engine. In the contract 0 stands for a default and a negative bound for none.</summary>
internal static class AdaptationMessages
{
    /// <summary>Null, and why, where a setting is out of its range.</summary>
    public static EngineSettings? ToSettings(this Wire.AdaptationSettings message, out string? error)
    {
        var defaults = new EngineSettings();
        if (message.Scope is not (AdaptationScope.Unspecified or AdaptationScope.Head))
        {
            error = $"adaptation scope {(int)message.Scope} is not known";
            return null;
        }

        if (message.Guard?.Action is not (null or Wire.GuardAction.Unspecified or Wire.GuardAction.Freeze or Wire.GuardAction.Rollback))
        {
            error = $"guard action {(int)message.Guard.Action} is not known";
            return null;
        }

        var settings = new EngineSettings
        {
            LearningRate = message.LearningRate == 0 ? defaults.LearningRate : message.LearningRate,
            StepsPerFrame = message.StepsPerFrame == 0 ? defaults.StepsPerFrame : ToInt(message.StepsPerFrame),
            MinConfidence = message.MinConfidence == 0 ? defaults.MinConfidence : Math.Max(0, message.MinConfidence),
            EveryNth = message.EveryNth == 0 ? defaults.EveryNth : ToInt(message.EveryNth),
            DualVerdictEveryNth = ToInt(message.DualVerdictEveryNth),
            Guard = ToGuard(message.Guard ?? new AdaptationGuard()),
        };
        var errors = settings.Validate();
        error = errors.Count == 0 ? null : string.Join(' ', errors);
        return error is null ? settings : null;
    }

    public static Wire.AdaptationState ToMessage(this AdaptationReport report) => new()
    {
        Step = (ulong)report.Step,
        Hash = UnsafeByteOperations.UnsafeWrap(report.Hash),
        Drift = report.Drift,
        Frozen = report.Frozen,
        LastLoss = report.LastLoss,
    };

    private static GuardSettings? ToGuard(AdaptationGuard guard)
    {
        if (guard is { MaxDrift: < 0, MaxDisagreement: < 0, MaxLossRatio: < 0, MaxSameLabel: < 0 })
        {
            return null;
        }

        var defaults = new GuardSettings();
        return new GuardSettings
        {
            MaxDrift = Bound(guard.MaxDrift, defaults.MaxDrift),
            MaxDisagreement = Bound(guard.MaxDisagreement, defaults.MaxDisagreement),
            MaxLossRatio = Bound(guard.MaxLossRatio, defaults.MaxLossRatio),
            MaxSameLabel = guard.MaxSameLabel == 0 ? defaults.MaxSameLabel : guard.MaxSameLabel < 0 ? int.MaxValue : guard.MaxSameLabel,
            CompareEveryNth = guard.CompareEveryNth == 0 ? defaults.CompareEveryNth : ToInt(guard.CompareEveryNth),
            Action = guard.Action == Wire.GuardAction.Freeze ? EngineAction.Freeze : EngineAction.RollBack,
        };
    }

    private static float Bound(float asked, float standard) => asked == 0 ? standard : asked < 0 ? float.PositiveInfinity : asked;

    private static int ToInt(uint value) => (int)Math.Min(value, int.MaxValue);
}
