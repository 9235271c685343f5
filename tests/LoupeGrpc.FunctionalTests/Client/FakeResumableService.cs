using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LoupeGrpc.V1;
using Status = Grpc.Core.Status;

namespace LoupeGrpc.FunctionalTests.Client;

/// <summary>
/// One session that outlives its connections, each of which breaks where a test says. It keeps every response for ever, and takes the
/// client's word for how many of them it has: a client that counts wrongly gets one twice, or never.
/// </summary>
internal sealed class FakeResumableService : ForgeryAnalysisService.ForgeryAnalysisServiceBase
{
    private static readonly ByteString Token = ByteString.CopyFromUtf8("the secret of the session");

    private readonly Lock _gate = new();
    private readonly List<AnalyzeResponse> _responses = [];
    private readonly List<string> _received = [];
    private readonly List<OpenSession> _opened = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _earlier = Task.CompletedTask;
    private ulong _frames;
    private ulong _controls;
    private int _connections;

    public uint Credits { get; init; } = 4;

    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The fate of the first, second … connection; those behind the last one live.</summary>
    public IReadOnlyList<Fate> Fates { get; init; } = [];

    /// <summary>The server was restarted: it knows no token.</summary>
    public bool HasForgotten { get; set; }

    /// <summary>Nothing is answered before it is done.</summary>
    public Task Gate { get; init; } = Task.CompletedTask;

    public int Connections => Volatile.Read(ref _connections);

    public bool IsHalfClosed { get; private set; }

    /// <summary>What was taken in, e.g. `frame 3: 7` (its first byte) and `control 2`.</summary>
    public IReadOnlyList<string> Received
    {
        get
        {
            lock (_gate)
            {
                return [.. _received];
            }
        }
    }

    public IReadOnlyList<OpenSession> Opened
    {
        get
        {
            lock (_gate)
            {
                return [.. _opened];
            }
        }
    }

    public override async Task Analyze(
        IAsyncStreamReader<AnalyzeRequest> requestStream, IServerStreamWriter<AnalyzeResponse> responseStream, ServerCallContext context)
    {
        var number = Interlocked.Increment(ref _connections) - 1;
        var fate = number < Fates.Count ? Fates[number] : new Fate();
        if (fate.BeforeGrant)
        {
            context.GetHttpContext().Abort();
            return;
        }

        await requestStream.MoveNext();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Interlocked.Exchange(ref _earlier, over.Task);
        try
        {
            await ServeAsync(requestStream.Current.Open, fate, requestStream, responseStream, context);
        }
        finally
        {
            over.SetResult();
        }
    }

    private async Task ServeAsync(
        OpenSession open,
        Fate fate,
        IAsyncStreamReader<AnalyzeRequest> requests,
        IServerStreamWriter<AnalyzeResponse> responses,
        ServerCallContext context)
    {
        var resumes = open.ResumeToken == Token && !HasForgotten;
        lock (_gate)
        {
            _opened.Add(open);
        }

        if (fate.Refusal is { } refusal)
        {
            throw new RpcException(refusal);
        }

        await responses.WriteAsync(new AnalyzeResponse { Granted = Grant(resumes) });
        if (fate.AfterGrant)
        {
            context.GetHttpContext().Abort();
            return;
        }

        if (fate.TakenOver)
        {
            await responses.WriteAsync(new AnalyzeResponse { Event = new SessionEvent { Kind = SessionEventKind.TakenOver } });
            throw new RpcException(new Status(StatusCode.Aborted, "another call resumed the session"));
        }

        var reading = ReadAsync(requests, fate, context);
        try
        {
            await Gate.WaitAsync(context.CancellationToken);
            var written = 0;
            for (var next = (int)(resumes ? open.ResponsesReceived : 0); await WaitForAsync(next, context.CancellationToken) is { } response; next++)
            {
                await responses.WriteAsync(response, context.CancellationToken);
                if (++written == fate.AfterResponses)
                {
                    context.GetHttpContext().Abort();
                    return;
                }
            }

            await responses.WriteAsync(new AnalyzeResponse { Summary = new SessionSummary { Frames = _frames } }, context.CancellationToken);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Broken.
        }
        finally
        {
            await reading;
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<AnalyzeRequest> requests, Fate fate, ServerCallContext context)
    {
        try
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
                var request = requests.Current;
                lock (_gate)
                {
                    _responses.Add(request.Control is { } control ? Reply(control) : Answer(request.Frame));
                    Signal();
                }

                if (request.Frame is not null && _frames == fate.AfterFrames)
                {
                    context.GetHttpContext().Abort();
                    return;
                }
            }

            lock (_gate)
            {
                IsHalfClosed = true;
                Signal();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Broken.
        }
    }

    private AnalyzeResponse Answer(Frame frame)
    {
        _received.Add($"frame {frame.FrameId}: {frame.Encoded.Data[0]}");
        return new AnalyzeResponse { Outcome = FakeAnalysisService.Result(frame, _frames++, frame.FrameId / 100f) };
    }

    private AnalyzeResponse Reply(Control control)
    {
        _received.Add($"control {control.ControlId}");
        _controls++;
        return new AnalyzeResponse { ControlReply = new ControlReply { ControlId = control.ControlId, Thresholds = control.SetThresholds } };
    }

    /// <summary>The response of this number; null when no more come.</summary>
    private async Task<AnalyzeResponse?> WaitForAsync(int number, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (number < _responses.Count)
                {
                    return _responses[number];
                }

                if (IsHalfClosed)
                {
                    return null;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    private void Signal()
    {
        _changed.SetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private SessionGrant Grant(bool resumes) => new()
    {
        SessionId = "fake",
        Limits = new Limits { Credits = Credits },
        Model = new ModelInfo { Name = "fake-model", Version = "1", Hash = new string('a', 64) },
        Execution = new ExecutionInfo { Provider = "CPU", Precision = "fp32" },
        ResumeToken = Token,
        ResumeWindow = Duration.FromTimeSpan(Window),
        Resumed = resumes,
        NextSequence = resumes ? _frames : 0,
        ControlsReceived = resumes ? _controls : 0,
        Unavailable = { HasForgotten ? [new Unavailable { Feature = "resume_token", Reason = "no such session" }] : Array.Empty<Unavailable>() },
    };

    /// <summary>Where a connection breaks.</summary>
    internal sealed record Fate
    {
        /// <summary>Before the grant.</summary>
        public bool BeforeGrant { get; init; }

        /// <summary>Behind it.</summary>
        public bool AfterGrant { get; init; }

        /// <summary>When the session has taken in so many frames, whose outcomes are lost.</summary>
        public ulong? AfterFrames { get; init; }

        /// <summary>When so many outcomes and replies were written to this connection; whether they arrive is up to the network.</summary>
        public int? AfterResponses { get; init; }

        /// <summary>Another client claims the session.</summary>
        public bool TakenOver { get; init; }

        /// <summary>Instead of a grant.</summary>
        public Status? Refusal { get; init; }
    }
}
