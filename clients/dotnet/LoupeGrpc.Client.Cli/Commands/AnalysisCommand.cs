using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Events;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Inputs.Video;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.Client.Cli.Plotting;
using LoupeGrpc.Client.Cli.Reports;
using LoupeGrpc.Client.Cli.Running;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>What `analyze` and `stream` do with a source.</summary>
/// <param name="host">The process.</param>
/// <param name="options">What both have in common.</param>
/// <param name="stream">What only `stream` has; null for `analyze`.</param>
internal sealed class AnalysisCommand(CliHost host, AnalysisOptions options, StreamExtras? stream = null)
{
    /// <summary>Frames kept for their overlays: those of a 4K camera are 25 MB each.</summary>
    private const int MaxKeptFrames = 16;

    private readonly RunDisplay _display = new(host, options.Format);
    private readonly RunTally _tally = new();
    private string? _fault;

    /// <param name="open">Opens the source. Told whether frames must outlive their sending, and whom to tell what happens.</param>
    /// <param name="session">What the session asks for; mask and thresholds are filled in here.</param>
    public async Task<ExitCode> RunAsync(Func<bool, Action<string>, Task<FrameSource>> open, LoupeSessionOptions session)
    {
        if (options.Events is not { } asked)
        {
            return await RunAsync(open, session, events: null);
        }

        await using var events = EventFeed.Open(asked, stream is null ? EventOptionSet.Pictures : session.Name, isStream: stream is not null, host, _display.Notify);
        try
        {
            var exitCode = await RunAsync(open, session, events);
            var told = await events.CompleteAsync(
                exitCode switch { ExitCode.Interrupted => "INTERRUPTED", ExitCode.Refused => "REFUSED", _ when _fault is not null => "FAILED", _ => "COMPLETED" }, _fault, _tally.Outcomes);
            return told || exitCode is ExitCode.Interrupted or ExitCode.Refused ? exitCode : ExitCode.SomeFailed;
        }
        catch (Exception error)
        {
            await (host.Interrupt.IsCancellationRequested ? events.CompleteAsync("INTERRUPTED", null, _tally.Outcomes) : events.CompleteAsync("FAILED", Printable.Text(error.Message), _tally.Outcomes));
            throw;
        }
    }

    private async Task<ExitCode> RunAsync(Func<bool, Action<string>, Task<FrameSource>> open, LoupeSessionOptions session, EventFeed? events)
    {
        var started = host.Time.GetTimestamp();
        var startedAt = host.Time.GetUtcNow();
        using var files = new ArtifactFiles(options, _display.Notify);
        using var done = options.SkipDone ? DoneInputs.Open(options) : null;
        using var receipts = options.Receipts is { } path ? ReceiptLog.Open(path, append: options.SkipDone) : null;
        using var page = options.Report is { } pageFile ? ReportFile.Create(pageFile, options.ReportExplain, stream is not null, _display.Notify) : null;
        var keepsFrames = files.NeedsFrames || page is not null;
        FrameSource opened;
        try
        {
            opened = await open(keepsFrames, _display.Notify);
        }
        catch (OperationCanceledException) when (host.Interrupt.IsCancellationRequested)
        {
            ShowSummary(_tally, new RunReport(null, null, null), started, null, []);
            return ExitCode.Interrupted;
        }

        await using var source = opened;
        var curves = stream is null || (stream.Plot is null && page is null) ? null : new StreamCurves(source.HasClock);
        var temporal = stream?.Temporal switch
        {
            TemporalRequest.On => true,
            TemporalRequest.Auto => source is LiveSource,
            _ => false,
        };
        await using var local = options.Serve ? await LocalServer.StartAsync(host) : null;
        using var client = new LoupeClient(local is null ? options.Server : options.Server with { Address = local.Address });
        var report = await _display.ShowAsync(source.Count, session.Adaptation is not null, async () =>
        {
            using var text = host.CreateTextOutput();
            using var csv = options.Format == OutputFormat.Csv ? new CsvOutcomeWriter(host.Output, isPrintable: host.OutputTerminal is not null, explains: options.Explain.Length > 0, temporal) : null;
            IOutcomeSink results = options.Format switch
            {
                OutputFormat.Jsonl => new JsonLinesWriter(host.Output),
                OutputFormat.Csv => csv!,
                _ => new TableWriter(text, host.OutputTerminal, withTime: stream is not null),
            };
            var display = new DisplaySink(_display, _tally, options.Format);
            // What is kept as done has been told.
            IOutcomeSink?[] sinks = [receipts, page, options.Explain.Length > 0 ? null : new SentenceRemover(), events, done, results, _tally, display, curves];
            var run = new AnalysisRun(source, [new SavingSink(files, [.. sinks.OfType<IOutcomeSink>()])], keepsFrames, host, _display.Notify, stream?.Checkpoints)
            {
                Happened = happened =>
                {
                    curves?.Mark(happened);
                    page?.Tell(happened);
                },
                Opened = grant =>
                {
                    receipts?.Begin(grant);
                    files.IsDemonstration = grant.Model?.Demonstration == true;
                    done?.Begin(grant);
                    page?.Begin(grant);
                    events?.Begin(grant, stream is null ? null : source.Label, ServerOptions.Show(client.Address));
                },
                FindDone = item => done?.Find(item) is { } earlier && files.Has(item, earlier) ? earlier : null,
                Skipped = (item, frameId, earlier) =>
                {
                    files.Keep(item, earlier);
                    page?.Skip(item, frameId, earlier);
                    _tally.Skip(earlier);
                    display.Skip();
                },
            };
            session = session with
            {
                Mask = new MaskSettings { Policy = options.Mask, Encoding = MaskEncoding.Rle },
                Tiles = options.Tiles,
                Explain = page is null ? options.Explain : options.ReportExplain,
                Receipts = receipts is not null,
                Temporal = temporal ? new TemporalSettings { Enabled = true } : null,
                Thresholds = options.Thresholds,
                Model = options.Model,
                MaxFramesInFlight = keepsFrames ? MaxKeptFrames : session.MaxFramesInFlight,
            };
            try
            {
                return await run.RunAsync(client, session);
            }
            catch (CliException error) when (page?.HasEntries == true)
            {
                page.Complete(Facts(new RunReport(page.Grant, null, null), exitCode: null) with { Fault = error.Message });
                throw;
            }
        });

        _fault = report.Fault;
        files.Complete();
        receipts?.Complete(report.Summary);
        ShowSummary(_tally, report, started, source.Remark, [.. files.Lines(), .. done?.Lines() ?? [], .. receipts?.Lines() ?? []]);
        var isComplete = stream?.Plot is null || SavePlot(stream.Plot, curves!, source.Label, report);
        isComplete &= stream?.Checkpoints.HasFailed != true && !files.HasFailed && done?.HasFailed != true && receipts?.HasFailed != true;
        var exitCode = host.Interrupt.IsCancellationRequested ? ExitCode.Interrupted : report.IsRefused ? ExitCode.Refused : isComplete ? _tally.ExitCode : ExitCode.SomeFailed;
        return page?.Complete(Facts(report, exitCode)) == false && exitCode is not (ExitCode.Interrupted or ExitCode.Refused) ? ExitCode.SomeFailed : exitCode;

        ReportFacts Facts(RunReport run, ExitCode? exitCode) => new()
        {
            Command = stream is null ? "analyze" : "stream",
            Source = stream is null ? null : source.Label,
            Started = startedAt,
            Ended = host.Time.GetUtcNow(),
            Server = $"{ServerOptions.Show(client.Address)}{(local is null ? "" : ", started for this run")}",
            Options = options.InForce,
            Tally = _tally,
            Run = run,
            ExitCode = exitCode,
            Remark = source.Remark,
            Curves = curves,
        };
    }

    private void ShowSummary(RunTally tally, RunReport report, long started, string? remark, IReadOnlyList<string> more)
    {
        foreach (var line in RunSummary.Lines(tally, report, host.Time.GetElapsedTime(started), remark, more))
        {
            _display.Notify(line);
        }
    }

    private bool SavePlot(OutputFile file, StreamCurves curves, string title, RunReport report)
    {
        if (curves.Points().Count == 0)
        {
            _display.Notify($"warning: no plot in {file.Path}: nothing was analysed");
            return true;
        }

        try
        {
            var stretches = report.IsJudgedOverTime ? Stretch.Of(report) : [];
            file.Write(StreamPlot.Draw(curves, Printable.Text(title), PlotFormats.IsSvg(file.Path), report.Grant?.Model?.Demonstration == true, curves.Spans(stretches)));
            _display.Notify($"plot written to {file.Path}");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _display.Notify($"error: no plot in {file.Path}: {FileErrors.Reason(error)}");
            return false;
        }
    }

    /// <summary>Files first: rows name them.</summary>
    private sealed class SavingSink(ArtifactFiles files, IReadOnlyList<IOutcomeSink> sinks) : IOutcomeSink
    {
        public void Write(OutcomeRow row)
        {
            var saved = files.Save(row);
            foreach (var sink in sinks)
            {
                sink.Write(saved);
            }
        }
    }

    /// <summary>A report has asked for sentences that nobody else has asked for.</summary>
    private sealed class SentenceRemover : IOutcomeSink
    {
        public void Write(OutcomeRow row) => (row.Outcome as LoupeResult)?.Result.Explanation.Clear();
    }

    /// <summary>
    /// Shows how far the run is, and failures, unless the table does. What was lost with the connection or by Ctrl-C is told once for all, frames that a
    /// video lost by the video.
    /// </summary>
    private sealed class DisplaySink(RunDisplay display, RunTally tally, OutputFormat format) : IOutcomeSink
    {
        private readonly AdaptationLine _adaptation = new();

        public void Skip() => display.Advance(tally, _adaptation.Text);

        public void Write(OutcomeRow row)
        {
            _adaptation.Update(row.Outcome);
            display.Advance(tally, _adaptation.Text);
            if (format != OutputFormat.Table
                && row.Item is not LostFrame
                && row.Outcome is LoupeFailed { Code: not (LoupeFailureCode.ConnectionLost or LoupeFailureCode.Canceled) } failed)
            {
                display.Notify($"warning: {PathText.Show(row.Item.Source ?? row.Item.Path)}: {failed.Message}");
            }
        }
    }
}
