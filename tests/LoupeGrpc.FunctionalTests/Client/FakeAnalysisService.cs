using System.Threading.Channels;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using LoupeGrpc.V1;
using Status = Grpc.Core.Status;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>Answers every frame with <see cref="Answer"/>, in order, through a gate that a test may close.</summary>
internal sealed class FakeAnalysisService : ForgeryAnalysisService.ForgeryAnalysisServiceBase
{
    private readonly Channel<bool> _permits = Channel.CreateUnbounded<bool>();
    private readonly Channel<int> _arrivals = Channel.CreateUnbounded<int>();
    private int _received;

    public uint Credits { get; init; } = 8;

    public ulong MaxFrameBytes { get; init; } = 1024 * 1024;

    public string ModelHash { get; init; } = new('a', 64);

    /// <summary>Answers wait for <see cref="LetThrough"/>.</summary>
    public bool IsGated { get; init; }

    /// <summary>The connection is cut when so many frames were received.</summary>
    public int? AbortAfter { get; init; }

    /// <summary>After so many frames the server drains: summary, then UNAVAILABLE.</summary>
    public int? DrainAfter { get; init; }

    /// <summary>Sessions are refused with it.</summary>
    public Status? Refusal { get; init; }

    /// <summary>By default the score is frame_id / 100, so that every outcome can be told from the others.</summary>
    public Func<Frame, ulong, FrameOutcome> Answer { get; init; } = (frame, sequence) => Result(frame, sequence, frame.FrameId / 100f);

    public Metadata RequestHeaders { get; private set; } = [];

    public OpenSession Opened { get; private set; } = new();

    public List<Frame> Frames { get; } = [];

    public static FrameOutcome Result(Frame frame, ulong sequence, float score, Mask? mask = null)
    {
        var verdict = score < 0.4f ? Verdict.Authentic : score < 0.6f ? Verdict.Uncertain : Verdict.Manipulated;
        return new FrameOutcome
        {
            FrameId = frame.FrameId,
            Sequence = sequence,
            Result = new FrameResult
            {
                Score = score,
                Verdict = verdict,
                Thresholds = new Thresholds { Low = 0.4f, High = 0.6f },
                Mask = mask,
                Width = frame.Raw?.Format?.Width ?? 4,
                Height = frame.Raw?.Format?.Height ?? 2,
                Sha256 = ByteString.CopyFrom(new byte[32]),
                Timings = new StageTimings { TotalMs = 1.5f },
                Execution = new ExecutionInfo { Provider = "CPU", Precision = "fp32" },
            },
        };
    }

    public static FrameOutcome Failure(Frame frame, ulong sequence, FailureCode code, string message) => new()
    {
        FrameId = frame.FrameId,
        Sequence = sequence,
        Failed = new Failed { Code = code, Message = message },
    };

    public void LetThrough(int answers)
    {
        for (var i = 0; i < answers; i++)
        {
            _permits.Writer.TryWrite(true);
        }
    }

    /// <summary>Waits until so many frames have come.</summary>
    public async Task ReceivedAsync(int frames)
    {
        while (await _arrivals.Reader.ReadAsync(TestContext.Current.CancellationToken) < frames)
        {
        }
    }

    public override Task<GetServerInfoResponse> GetServerInfo(GetServerInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new GetServerInfoResponse
        {
            Server = "fake/1.0",
            Model = Model(),
            Execution = new ExecutionInfo { Provider = "CPU", Precision = "fp32" },
            Limits = Limits(),
            DefaultThresholds = new Thresholds { Low = 0.4f, High = 0.6f },
            ReadySince = Timestamp.FromDateTime(new DateTime(2025, 1, 2, 3, 4, 5, DateTimeKind.Utc)),
        });

    public override Task<AnalyzeImageResponse> AnalyzeImage(AnalyzeImageRequest request, ServerCallContext context)
    {
        if (request.Encoded.Data.IsEmpty)
        {
            var failed = new Failed { Code = FailureCode.Invalid, Message = "the picture is empty" };
            throw new Google.Rpc.Status
            {
                Code = (int)Code.InvalidArgument,
                Message = failed.Message,
                Details = { Any.Pack(failed) },
            }.ToRpcException();
        }

        return Task.FromResult(new AnalyzeImageResponse { Result = Result(new Frame(), 0, 0.7f).Result, Model = Model() });
    }

    public override async Task Analyze(
        IAsyncStreamReader<AnalyzeRequest> requestStream,
        IServerStreamWriter<AnalyzeResponse> responseStream,
        ServerCallContext context)
    {
        RequestHeaders = context.RequestHeaders;
        if (Refusal is { } refusal)
        {
            throw new RpcException(refusal);
        }

        await requestStream.MoveNext();
        Opened = requestStream.Current.Open;
        var answers = Channel.CreateUnbounded<AnalyzeResponse>();
        answers.Writer.TryWrite(new AnalyzeResponse { Granted = Grant() });
        var reading = ReadAsync(requestStream, answers.Writer, context);
        await foreach (var answer in answers.Reader.ReadAllAsync(context.CancellationToken))
        {
            if (IsGated && answer.Outcome is not null)
            {
                await _permits.Reader.ReadAsync(context.CancellationToken);
            }

            await responseStream.WriteAsync(answer, context.CancellationToken);
        }

        await reading;
    }

    private async Task ReadAsync(IAsyncStreamReader<AnalyzeRequest> requests, ChannelWriter<AnalyzeResponse> answers, ServerCallContext context)
    {
        ulong sequence = 0;
        try
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
                if (requests.Current.Control is { } control)
                {
                    answers.TryWrite(new AnalyzeResponse { ControlReply = Reply(control) });
                    continue;
                }

                var frame = requests.Current.Frame;
                lock (Frames)
                {
                    Frames.Add(frame);
                }

                answers.TryWrite(new AnalyzeResponse { Outcome = Answer(frame, sequence++) });
                _received++;
                _arrivals.Writer.TryWrite(_received);
                if (_received == AbortAfter)
                {
                    context.GetHttpContext().Abort();
                    return;
                }

                if (_received == DrainAfter)
                {
                    answers.TryWrite(new AnalyzeResponse { Event = new SessionEvent { Kind = SessionEventKind.Draining, Message = "the server is stopping" } });
                    answers.TryWrite(new AnalyzeResponse { Summary = new SessionSummary { Frames = sequence } });
                    throw new RpcException(new Status(StatusCode.Unavailable, "the server is stopping"));
                }
            }

            answers.TryWrite(new AnalyzeResponse { Summary = new SessionSummary { Frames = sequence } });
        }
        finally
        {
            answers.Complete();
        }
    }

    private static ControlReply Reply(Control control) => control.ActionCase switch
    {
        Control.ActionOneofCase.SetThresholds => new ControlReply { ControlId = control.ControlId, Thresholds = control.SetThresholds },
        Control.ActionOneofCase.Flush => new ControlReply { ControlId = control.ControlId },
        _ => new ControlReply
        {
            ControlId = control.ControlId,
            Failed = new Failed { Code = FailureCode.Unsupported, Message = "this build does not adapt" },
        },
    };

    private SessionGrant Grant() => new()
    {
        SessionId = "fake",
        Limits = Limits(),
        Model = Model(),
        Execution = new ExecutionInfo { Provider = "CPU", Precision = "fp32" },
    };

    private Limits Limits() => new() { Credits = Credits, MaxFrameBytes = MaxFrameBytes };

    private ModelInfo Model() => new() { Name = "fake-model", Version = "1", Hash = ModelHash, Demonstration = true };
}
