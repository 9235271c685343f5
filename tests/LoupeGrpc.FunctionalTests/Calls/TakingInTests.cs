using System.Threading.Channels;
using LoupeGrpc.Engine;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Server.Calls;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.V1;
using Microsoft.Extensions.DependencyInjection;

namespace LoupeGrpc.FunctionalTests.Calls;

/// <summary>A fault of the server between a frame's receipt and the queue.</summary>
public class TakingInTests
{
    /// <summary>Without one the session would wait for that outcome for ever, its client too, and the place would never be free again.</summary>
    [Fact]
    public async Task A_frame_that_cannot_be_taken_in_has_its_outcome_and_the_session_goes_on_to_its_end()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedAnalyzer { Answer = static _ => ScriptedAnalyzer.Result(0.1f) });
        var opening = OpenReader.Read(new OpenSession(), new LoupeOptions(), new VerdictThresholds(0.4f, 0.6f), out _)!;
        // A layout is always there, so that something throws where nothing may.
        var transport = new Scripted(
            new IncomingFrame(1, null, null, new EncodedInput(new byte[1]), null),
            new IncomingFrame(2, null, null, new RawInput(new byte[1], null!), null),
            new IncomingFrame(3, null, null, new EncodedInput(new byte[1]), null),
            SessionInput.HalfClose);

        var failure = await server.Server.Services.GetRequiredService<SessionCalls>()
            .ServeAsync(transport, Caller.Nobody, opening, string.Empty).WaitAsync(Patience.Token());

        Assert.Null(failure);
        Assert.Equal([1ul, 2ul, 3ul], transport.Answers.Select(static answer => answer.FrameId));
        Assert.IsType<FrameEnd.Analysed>(transport.Answers[0].End);
        Assert.Equal(FailureKind.Internal, Assert.IsType<FrameEnd.Failed>(transport.Answers[1].End).Failure.Kind);
        Assert.IsType<FrameEnd.Analysed>(transport.Answers[2].End);
        Assert.Empty(server.Sessions.List());
        Assert.Contains("Frame 1 could not be taken in", server.Log.TakeError(), StringComparison.Ordinal);
    }

    private sealed class Scripted : ISessionTransport
    {
        private readonly Channel<SessionInput> _inputs = Channel.CreateUnbounded<SessionInput>();

        public Scripted(params SessionInput[] inputs) => Array.ForEach(inputs, input => _inputs.Writer.TryWrite(input));

        public List<FrameAnswer> Answers { get; } = [];

        public string Peer => "script";

        public CancellationToken Gone => CancellationToken.None;

        public void SlowBy(PaidAhead paid)
        {
        }

        public async Task<SessionInput> ReadAsync(SessionOpening opening, CancellationToken cancellationToken) => await _inputs.Reader.ReadAsync(cancellationToken);

        public void Release()
        {
        }

        public Task<bool> TryWriteAsync(SessionResponse response, CancellationToken cancellationToken)
        {
            Answers.Add(Assert.IsType<FrameAnswer>(response));
            return Task.FromResult(true);
        }

        public Task<bool> TryWriteAsync(Server.Sessions.SessionGrant grant, CancellationToken cancellationToken) => Task.FromResult(true);

        public Task<bool> TryWriteAsync(Server.Sessions.SessionSummary summary, CancellationToken cancellationToken) => Task.FromResult(true);
    }
}
