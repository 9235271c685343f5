using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.V1;

namespace LoupeGrpc.FunctionalTests.Adaptation;

/// <summary>A session that adapts, broken and resumed, against the same one never broken: each response to the last byte.</summary>
public sealed class ResumedAdaptationTests(NanoEngine nano)
{
    /// <summary>Frames with controls between them, one of which brings a state back that was left.</summary>
    private static readonly AnalyzeRequest[] Script =
    [
        .. Enumerable.Range(0, 4).Select(static number => AdaptingStream.Frame(number)),
        new AnalyzeRequest { Control = new Control { ControlId = 1, SnapshotAdaptation = new SnapshotAdaptation() } },
        .. Enumerable.Range(4, 3).Select(static number => AdaptingStream.Frame(number)),
        new AnalyzeRequest { Control = new Control { ControlId = 2, SetThresholds = new Thresholds { Low = 0.2f, High = 0.3f } } },
        new AnalyzeRequest { Control = new Control { ControlId = 3, RollbackAdaptation = new RollbackAdaptation { LastSnapshot = true } } },
        .. Enumerable.Range(7, 3).Select(static number => AdaptingStream.Frame(number)),
    ];

    [Theory]
    // Breaks after so many responses were received, and so many messages sent ahead of them.
    [InlineData(new[] { 0 }, 13, true)]
    [InlineData(new[] { 0 }, 1, true)]
    [InlineData(new[] { 2 }, 3, true)]
    [InlineData(new[] { 4 }, 13, true)]
    [InlineData(new[] { 5, 5 }, 4, true)]
    [InlineData(new[] { 1, 8, 9 }, 5, true)]
    // Before the server has noticed: the new call takes the session over.
    [InlineData(new[] { 3 }, 13, false)]
    [InlineData(new[] { 0, 0, 6 }, 2, false)]
    public async Task Broken_and_resumed_it_answers_as_if_it_had_never_been(int[] breaks, int ahead, bool noticed)
    {
        await using var server = await RunningServer.StartAsync(nano.Analyzer);
        var expected = await RunAsync(server, [], Script.Length, noticed);
        Assert.Equal(Script.Length + 1, expected.Count);
        Assert.Contains(expected, static response => response.Outcome?.Result.Adaptation.Step > 3);
        var actual = await RunAsync(server, breaks, ahead, noticed);
        Assert.Equal(expected.SkipLast(1).Select(AdaptingStream.Essence), actual.SkipLast(1).Select(AdaptingStream.Essence));
        var (unbroken, broken) = (expected[^1].Summary, actual[^1].Summary);
        unbroken.Duration = broken.Duration = null;
        Assert.Equal(unbroken, broken);
        Assert.Equal(0, server.Sessions.Count);
    }

    /// <summary>Everything that the session's clients received, over all connections.</summary>
    private static async Task<List<AnalyzeResponse>> RunAsync(RunningServer server, int[] breaks, int ahead, bool noticed)
    {
        List<AnalyzeResponse> received = [];
        int sent = 0;
        var connection = server.Connect();
        var session = await connection.OpenAsync(AdaptingStream.Open());
        try
        {
            foreach (int count in breaks)
            {
                await ReceiveAsync(count);
                connection.Break();
                if (noticed)
                {
                    await server.UntilParkedAsync();
                }

                connection.Dispose();
                connection = server.Connect();
                var (token, responses) = (session.Grant.ResumeToken, session.Received);
                session = connection.Call();
                session.Received = responses;
                await RunningServer.OpenAsync(session, new OpenSession { ResumeToken = token, ResponsesReceived = responses });
                Assert.True(session.Grant.Resumed);
                sent = PositionOf(session.Grant);
            }

            await ReceiveAsync(Script.Length);
            await session.CompleteAsync();
            received.AddRange(await session.RestAsync());
            return received;
        }
        finally
        {
            session.Dispose();
            connection.Dispose();
        }

        async Task ReceiveAsync(int count)
        {
            while (true)
            {
                for (; sent < Math.Min(received.Count + ahead, Script.Length); sent++)
                {
                    await session.SendAsync(Script[sent]);
                }

                if (received.Count == count)
                {
                    return;
                }

                received.Add(await session.NextAsync());
            }
        }
    }

    /// <summary>The first message of the script that the server does not have.</summary>
    private static int PositionOf(SessionGrant grant)
    {
        int position = (int)(grant.NextSequence + grant.ControlsReceived);
        Assert.Equal(grant.NextSequence, (ulong)Script.Take(position).Count(static message => message.Frame is not null));
        return position;
    }
}
