using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LoupeGrpc.Results;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.V1;

namespace LoupeGrpc.Server.Contract;

/// <summary>What is served here, as a message.</summary>
internal static class ServerInfoMessages
{
    /// <summary>The same in JSON, as <c>loupe-grpc-client info --json</c> prints it.</summary>
    /// <param name="address">Where it was asked.</param>
    public static string ToJson(string address, SessionServices services, int connected, DateTimeOffset? readySince, TimeSpan? startup) =>
        ServerInfoView.From(address, Of(services, connected, readySince, startup)).ToJson();

    /// <param name="connected">Sessions with a connection.</param>
    /// <param name="readySince">Null before the server can serve.</param>
    /// <param name="startup">From the start of the process until it could serve; null before.</param>
    public static GetServerInfoResponse Of(SessionServices services, int connected, DateTimeOffset? readySince, TimeSpan? startup)
    {
        var (options, analyzer, adaptation) = (services.Options, services.Models.Default, services.AdaptationBudget);
        return new GetServerInfoResponse
        {
            Server = ProductVersion.Name,
            Model = analyzer.Model.ToMessage(),
            Execution = analyzer.Execution.ToMessage(),
            Ladder = { analyzer.Ladder.Select(ExecutionMessages.ToMessage) },
            Limits = LimitMessages.Of(options, options.Limits.Credits, options.Limits.MaxResponseBytes),
            DefaultThresholds = options.Thresholds.For(analyzer.Model.Calibration?.Thresholds).ToMessage(),
            Unavailable = { Features.Missing(options).Select(SessionMessages.ToMessage) },
            AdaptationUsage = new AdaptationUsage
            {
                UsedBytes = (ulong)adaptation.Used,
                MaxBytes = (ulong)adaptation.Limit,
                Evictions = adaptation.Evictions,
            },
            ReadySince = readySince?.ToTimestamp(),
            ActiveSessions = (uint)connected,
            Startup = startup is { } time ? Duration.FromTimeSpan(time) : null,
            ReceiptKey = services.Receipts.PublicKey is { } key ? new ReceiptKey { KeyId = key.Id, PublicKey = UnsafeByteOperations.UnsafeWrap(key.Info) } : null,
            Models = { services.Models.List().Select(ExecutionMessages.ToMessage) },
        };
    }
}
