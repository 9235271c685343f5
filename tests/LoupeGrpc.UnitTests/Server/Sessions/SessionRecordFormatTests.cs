using LoupeGrpc.Fuzz;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions.Keeping;
using LoupeGrpc.Server.Sessions.Temporal;
using Xunit;

namespace LoupeGrpc.UnitTests.Server.Sessions;

/// <summary>Records as they lie in the corpus of the fuzzer, which are those of servers of other times.</summary>
public sealed class SessionRecordFormatTests
{
    private static readonly ResponseEncoding Encoding = new();

    [Fact]
    public void Records_with_verdicts_over_time_and_without_are_read_and_written_again()
    {
        var records = Corpus.Read(FuzzTargets.Find("session-record")).Select(static bytes => Read(bytes)).ToList();
        Assert.Contains(records, static record => record.Facts is { Temporal: null, Settings.Temporal: null });
        var judged = Assert.Single(records, static record => record.Facts.Settings.Temporal is not null).Facts;
        Assert.Equal(new TemporalSettings(TimeSpan.FromSeconds(1), 4, 2, 0.08f, 8), judged.Settings.Temporal);
        var filter = new TemporalFilter(judged.Settings.Temporal!, judged.Temporal);
        Assert.Equal([(0ul, 1ul), (4ul, 6ul)], filter.Segments().Segments.Select(static segment => (segment.First.Sequence, segment.Last.Sequence)));
        Assert.All(records, static record => Assert.Equal(SessionRecordFormat.Write(record), SessionRecordFormat.Write(Read(SessionRecordFormat.Write(record)))));
    }

    [Fact]
    public void A_state_that_does_not_fit_its_settings_is_refused()
    {
        var record = Corpus.Read(FuzzTargets.Find("session-record")).Select(static bytes => Read(bytes)).Single(static record => record.Facts.Temporal is not null);
        var (facts, state) = (record.Facts, record.Facts.Temporal!);
        SessionFacts[] wrong =
        [
            facts with { Temporal = null },
            facts with { Settings = facts.Settings with { Temporal = null } },
            facts with { Settings = facts.Settings with { Temporal = facts.Settings.Temporal! with { MaxFrames = 1, MinFrames = 1 } } },
            facts with { Settings = facts.Settings with { Temporal = facts.Settings.Temporal! with { MaxFrames = 1 << 20 } } },
            facts with { Temporal = state with { Window = [.. state.Window.Reverse()] } },
            facts with { Temporal = state with { Window = [] } },
            facts with { Temporal = state with { Verdict = LoupeGrpc.Engine.Verdict.Authentic } },
            facts with { Temporal = state with { Score = float.NaN } },
            facts with { Temporal = state with { Segments = state.Segments with { Open = state.Segments.Open! with { Evidence = new EvidenceState(3, new bool[8], new EvidenceFrame[8]) } } } },
            facts with { Temporal = state with { Segments = state.Segments with { Closed = [.. Enumerable.Repeat(state.Segments.Closed[0], 9)] } } },
        ];
        Assert.All(wrong, changed =>
        {
            Assert.False(SessionRecordFormat.TryRead(SessionRecordFormat.Write(record with { Facts = changed }), Encoding, out _, out var problem));
            Assert.Contains("its facts are out of their ranges", problem, StringComparison.Ordinal);
        });
    }

    private static SessionRecord Read(byte[] bytes)
    {
        Assert.True(SessionRecordFormat.TryRead(bytes, Encoding, out var record, out var problem), problem);
        return record;
    }
}
