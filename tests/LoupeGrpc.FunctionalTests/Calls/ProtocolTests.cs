using Google.Protobuf;
using Grpc.Core;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Calls;

public class ProtocolTests
{
    [Fact]
    public async Task A_frame_before_open_ends_the_call()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = server.Call();
        await session.SendFrameAsync(1);
        var (before, failure) = await session.FailureAsync();
        Assert.Empty(before);
        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
        Assert.Equal(0, server.Sessions.Count);
    }

    [Fact]
    public async Task A_control_before_open_is_answered_and_the_session_may_still_be_opened()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = server.Call();
        await session.SendAsync(new Control { ControlId = 7, ResetAdaptation = new ResetAdaptation() });
        var reply = await session.NextReplyAsync();
        Assert.Equal((7ul, FailureCode.Invalid), (reply.ControlId, reply.Failed.Code));
        Assert.Contains("open", reply.Failed.Message, StringComparison.Ordinal);
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        Assert.NotNull((await session.NextAsync()).Granted);
        await session.CompleteAsync();
        Assert.Equal(0ul, Assert.Single(await session.RestAsync()).Summary.Frames);
    }

    [Fact]
    public async Task A_call_without_any_message_ends()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = server.Call();
        await session.CompleteAsync();
        var (_, failure) = await session.FailureAsync();
        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
    }

    [Fact]
    public async Task A_second_open_ends_the_call_behind_the_outcomes_of_the_frames_before_it()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer);
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        await session.SendAsync(new AnalyzeRequest { Open = new OpenSession() });
        (await analyzer.NextAsync()).Succeed();
        var (before, failure) = await session.FailureAsync();
        Assert.Equal(1ul, Assert.Single(before).Outcome.FrameId);
        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }

    [Fact]
    public async Task A_message_that_holds_nothing_ends_the_call()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        using var session = await server.OpenAsync();
        await session.SendAsync(new AnalyzeRequest());
        var (_, failure) = await session.FailureAsync();
        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
    }

    [Fact]
    public async Task A_message_over_the_transport_limit_ends_the_call_and_names_the_setting()
    {
        var analyzer = new ScriptedAnalyzer();
        await using var server = await RunningServer.StartAsync(analyzer, new LoupeOptions { Limits = new LimitOptions { MaxFrameBytes = 1024 } });
        using var session = await server.OpenAsync();
        await session.SendFrameAsync(1);
        var tooLong = ByteString.CopyFrom(new byte[1024 + (1 << 20)]);
        // The server may end the call before the message is sent whole.
        _ = session.SendFrameAsync(2, frame => frame.Encoded.Data = tooLong);
        (await analyzer.NextAsync()).Succeed();
        var (before, failure) = await session.FailureAsync();
        Assert.Equal(1ul, Assert.Single(before).Outcome.FrameId);
        var failed = StatusAssert.Carries(failure, StatusCode.ResourceExhausted, FailureCode.TooLarge);
        Assert.Contains("Loupe:Limits:MaxFrameBytes", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_no_message_end_the_call()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer());
        var bytes = Marshallers.Create(static (byte[] data) => data, static data => data);
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "loupe.v1.ForgeryAnalysisService", "Analyze", bytes, bytes);
        using var call = server.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, new CallOptions(cancellationToken: Patience.Token()));
        await call.RequestStream.WriteAsync(new AnalyzeRequest { Open = new OpenSession() }.ToByteArray(), Patience.Token());
        Assert.True(await call.ResponseStream.MoveNext(Patience.Token()));
        await call.RequestStream.WriteAsync([0xff, 0xff, 0xff], Patience.Token());
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Patience.Token()));
        StatusAssert.Carries(failure, StatusCode.InvalidArgument, FailureCode.Invalid);
        await Patience.UntilAsync(() => server.Sessions.Count == 0);
    }
}
