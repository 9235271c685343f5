using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;
using MaskEncoding = LoupeGrpc.V1.MaskEncoding;
using MaskPolicy = LoupeGrpc.V1.MaskPolicy;

namespace LoupeGrpc.FunctionalTests.Calls;

public class GrantTests
{
    [Fact]
    public async Task A_session_that_asks_for_nothing_gets_the_defaults()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync();
        var grant = session.Grant;
        Assert.NotEmpty(grant.SessionId);
        Assert.Empty(grant.ResumeToken);
        Assert.Equal("scripted", grant.Model.Name);
        Assert.True(grant.Model.Demonstration);
        Assert.Equal(new ExecutionInfo { Provider = "CPU", Precision = "fp32" }, grant.Execution);
        Assert.Empty(grant.Unavailable);
        Assert.Equal((0.4f, 0.6f), (grant.Thresholds.Low, grant.Thresholds.High));
        Assert.Equal(DeliveryMode.EveryFrame, grant.Delivery.Mode);
        Assert.Equal((MaskPolicy.WhenSuspected, MaskEncoding.Rle), (grant.Mask.Policy, grant.Mask.Encoding));
        Assert.InRange(grant.Mask.MaxBytes, 1u, (4u << 20) - 1);
        Assert.Equal(
            new Limits
            {
                MaxFrameBytes = 32 << 20,
                MaxMessageBytes = 33 << 20,
                MaxPixels = 100_000_000,
                MaxSide = 16_384,
                MaxTiles = 1024,
                Credits = 64,
                MaxResponseBytes = 4 << 20,
                MaxSessions = 256,
                MaxAdaptationBytes = 1 << 30,
            },
            grant.Limits);
    }

    [Fact]
    public async Task What_is_asked_for_is_granted_and_reaches_the_engine()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Thresholds = new ThresholdOptions { Low = 0.2f, High = 0.3f } });
        using var session = await server.OpenAsync(new OpenSession
        {
            Mask = new MaskSettings { Policy = MaskPolicy.Always, Encoding = MaskEncoding.SoftPng, MaxBytes = 1000 },
            Deterministic = true,
            MaxResponseBytes = 1 << 20,
            FrameFormat = new FrameFormat { PixelFormat = V1.PixelFormat.Gray8, Width = 2, Height = 1, Strides = { 2 } },
        });
        Assert.Equal((0.2f, 0.3f), (session.Grant.Thresholds.Low, session.Grant.Thresholds.High));
        Assert.Equal(1ul << 20, session.Grant.Limits.MaxResponseBytes);

        await session.SendFrameAsync(1, static frame => frame.Raw = new RawImage { Data = ByteString.CopyFrom(9, 9) });
        var analysis = await analyzer.NextAsync();
        Assert.Equal(
            (Engine.MaskPolicy.Always, Engine.MaskEncoding.SoftPng, 1000, true),
            (analysis.Request.MaskPolicy, analysis.Request.MaskEncoding, analysis.Request.MaxMaskBytes, analysis.Request.Deterministic));
        Assert.Equal((2, 1), (analysis.Layout!.Width, analysis.Layout.Height));
        analysis.Succeed();
        Assert.Equal(session.Grant.Thresholds, (await session.NextOutcomeAsync()).Result.Thresholds);
    }

    [Fact]
    public async Task What_this_server_does_not_have_is_said_and_the_session_opens_without()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync(new OpenSession
        {
            // Without adaptation there is nothing that it could be the state of.
            AdaptationSnapshot = ByteString.CopyFrom(1),
            ResumeToken = ByteString.CopyFrom(1),
        });
        Assert.Equal(["adaptation_snapshot", "resume_token"], session.Grant.Unavailable.Select(static part => part.Feature).Order());
        Assert.All(session.Grant.Unavailable, static part => Assert.NotEmpty(part.Reason));
        Assert.False(session.Grant.Resumed);
    }

    [Fact]
    public async Task Every_mistake_of_an_opening_is_told_at_once()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = server.Call();
        await session.SendAsync(new AnalyzeRequest
        {
            Open = new OpenSession
            {
                SessionName = new string('n', 129),
                Client = new string('c', 129),
                FrameFormat = new FrameFormat(),
                Delivery = new DeliveryPolicy { Mode = DeliveryMode.StalenessBudget },
                Thresholds = new Thresholds { Low = 0.9f, High = 0.1f },
                Mask = new MaskSettings { Policy = (MaskPolicy)77 },
                MaxResponseBytes = 100,
            },
        });
        var (before, failure) = await session.FailureAsync();
        Assert.Empty(before);
        var failed = StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
        foreach (var word in new[] { "session_name", "client", "frame_format", "staleness_budget", "thresholds", "mask policy 77", "max_response_bytes" })
        {
            Assert.Contains(word, failed.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task More_sessions_than_the_limit_are_refused_until_one_ends()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer(), new LoupeOptions { Limits = new LimitOptions { MaxSessions = 1 } });
        using var first = await server.OpenAsync();
        using var second = server.Call();
        await second.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        var (_, failure) = await second.FailureAsync();
        var failed = StatusAssert.Carries(failure, StatusCode.ResourceExhausted, FailureCode.Overloaded);
        Assert.Contains("Loupe:Limits:MaxSessions", failed.Message, StringComparison.Ordinal);

        await first.CompleteAsync();
        await first.RestAsync();
        using var third = await server.OpenAsync();
    }
}
