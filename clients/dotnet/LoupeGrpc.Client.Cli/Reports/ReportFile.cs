using LoupeGrpc.Client.Cli.Artifacts;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Output;
using LoupeGrpc.V1;

namespace LoupeGrpc.Client.Cli.Reports;

/// <summary>
/// The report of a run, written while it lasts beside the place of the page and put together at its end: whole, or not at all. What cannot be written costs
/// the report alone: the run goes on. Memory does not grow with the run, and neither does the page beyond its limits.
/// </summary>
internal sealed class ReportFile : IOutcomeSink, IDisposable
{
    private readonly OutputFile _target;
    private readonly string _language;
    private readonly bool _isStream;
    private readonly Action<string> _notify;
    private readonly ReportCounts _counts;
    private readonly Lock _telling = new();
    private readonly List<SessionEvent> _events = [];
    private ReportSpool? _list;
    private ReportSpool? _details;
    private SessionGrant? _grant;

    private ReportFile(OutputFile target, string language, bool isStream, Action<string> notify, ReportLimits limits)
    {
        _target = target;
        _language = language;
        _isStream = isStream;
        _notify = notify;
        _counts = new ReportCounts(limits);
    }

    /// <summary>Whether there is no report although one was asked for.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>What the session was given; null before, and where none was needed.</summary>
    public SessionGrant? Grant => _grant;

    /// <summary>Whether something is in it.</summary>
    public bool HasEntries => _counts.Entries > 0;

    /// <param name="path">The page.</param>
    /// <param name="language">Of its sentences.</param>
    /// <param name="isStream">It has a timeline.</param>
    /// <param name="notify">Tells people what happens.</param>
    /// <param name="limits">Null: as documented.</param>
    /// <exception cref="CliException">It cannot be written there, or OpenCV is not there.</exception>
    public static ReportFile Create(string path, string language, bool isStream, Action<string> notify, ReportLimits? limits = null)
    {
        OpenCvRuntime.EnsureLoaded();
        var report = new ReportFile(OutputFile.Reserve("--report", path), language, isStream, notify, limits ?? new ReportLimits());
        report.Attempt(() =>
        {
            report._list = new ReportSpool(report._target.CreateSpool());
            report._details = new ReportSpool(report._target.CreateSpool());
        });
        return report;
    }

    /// <summary>To be told before the first row.</summary>
    public void Begin(SessionGrant grant) => _grant = grant;

    /// <summary>Remembers what the server told.</summary>
    public void Tell(SessionEvent happened)
    {
        lock (_telling)
        {
            if (_events.Count < _counts.Limits.MaxEvents)
            {
                _events.Add(happened);
            }
        }
    }

    public void Write(OutcomeRow row)
    {
        var kind = ReportEntries.KindOf(row);
        var isKept = kind is ReportEntry.Manipulated or ReportEntry.Uncertain;
        if (HasFailed || !_counts.HasRoom(isKept || kind == ReportEntry.Failed))
        {
            return;
        }

        var (pictures, whyNone) = row.Outcome is LoupeResult { Result: var result }
            ? _counts.TakePictures(isKept, maxSide => ReportEntries.Draw(row.Frame, result, maxSide, _grant?.Model?.Demonstration == true))
            : (null, "");
        Add(ReportEntries.Of(row, _isStream, _language, pictures, whyNone));
    }

    /// <summary>An input that an earlier run has analysed has an entry without pictures.</summary>
    public void Skip(SourceItem item, ulong number, DoneInput done)
    {
        if (!HasFailed && _counts.HasRoom(done.Verdict != Verdict.Authentic))
        {
            Add(ReportEntry.OfEarlier(new ReportInput(number, item.Path), done.Verdict, done.Score, done.Sha256));
        }
    }

    /// <summary>Puts the page in its place.</summary>
    /// <returns>Whether it is there.</returns>
    public bool Complete(ReportFacts facts)
    {
        if (HasFailed)
        {
            return false;
        }

        List<SessionEvent> events;
        lock (_telling)
        {
            events = [.. _events];
        }

        var page = new ReportPage(facts.About(events), _counts);
        Attempt(() => _target.Write(stream =>
        {
            stream.Write(page.Start());
            _list!.CopyTo(stream);
            stream.Write(ReportPage.Middle());
            _details!.CopyTo(stream);
            stream.Write(page.End());
        }));
        if (!HasFailed)
        {
            _notify($"report written to {_target.Path}");
        }

        return !HasFailed;
    }

    public void Dispose()
    {
        _list?.Dispose();
        _details?.Dispose();
    }

    private void Add(ReportEntry entry) => Attempt(() =>
    {
        _list!.Add(entry.Row);
        _details!.Add(entry.Details);
        _counts.AddEntry(entry.Kind);
    });

    private void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            HasFailed = true;
            _notify($"error: no report in {_target.Path}: {FileErrors.Reason(error)}");
            // Others may need the room.
            Dispose();
        }
    }
}
