using System.Text;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Packaging;
using LoupeGrpc.Reporting;
using LoupeGrpc.Server.Contract;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;

namespace LoupeGrpc.Server.Web;

/// <summary>A report of all pictures, one page that needs nothing else.</summary>
/// <param name="request">What the report says of it.</param>
/// <param name="maxBytes">Of all of it, about.</param>
internal sealed class ReportAnswer(PicturePainter painter, ReportRequest request, int maxBytes, TimeProvider time, CancellationToken cancellationToken) : IPictureAnswer
{
    /// <summary>Letters of an entry take two bytes until the page is written, and one in it.</summary>
    private const int BytesPerLetter = 4;

    /// <summary>Of the whole, for pictures.</summary>
    private const double PictureShare = 0.75;

    private readonly ReportCounts _counts = new(new ReportLimits { MaxPictureBytes = (long)(PictureShare * maxBytes) });
    private readonly StringBuilder _list = new();
    private readonly StringBuilder _details = new();
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private FrameEnd? _first;
    private ExecutionDescription? _execution;
    private readonly List<RoomLease> _kept = [];
    private OwnerQuota _quota = OwnerQuota.Unlimited;
    private RoomLease? _lease;
    private ulong _count;

    public string ContentType => $"{AnswerForms.Html}; charset=utf-8";

    public AnalysisSettings Settings => request.Wanted with { Picture = true };

    public bool TryReserve(OwnerQuota quota, FrameInput input, out FrameFailure? failure)
    {
        _quota = quota;
        return (_lease = painter.TryReserve(quota, input, PicturePainter.ThumbnailBytesPerPixel, out failure)) is not null;
    }

    public async Task AddAsync(FrameEnd end, string? name)
    {
        var (pictures, whyNone) = end is FrameEnd.Analysed analysed
            ? await painter.PaintAsync(
                () => _counts.TakePictures(end.ToReportKind() is ReportEntry.Manipulated or ReportEntry.Uncertain, maxSide => analysed.ToReportPictures(maxSide, request.Model.Demonstration)),
                cancellationToken).ConfigureAwait(false)
            : (null, "");
        ReleasePicture();
        var entry = end.ToReportEntry(new ReportInput(_count++, name ?? "the picture"), pictures, whyNone);
        _kept.Add(painter.TryKeep(_quota, BytesPerLetter * ((long)entry.Row.Length + entry.Details.Length), out var failure) ?? throw new ProblemException(Problem.Of(failure!)));
        _counts.AddEntry(entry.Kind);
        _list.Append(entry.Row);
        _details.Append(entry.Details);
        _first ??= end.WithoutMasks();
        _execution ??= (end as FrameEnd.Analysed)?.Analysis.Execution;
    }

    public Task<ReadOnlyMemory<byte>> CompleteAsync()
    {
        if (_count == 1)
        {
            _first!.OrProblem();
        }

        var tally = new ReportTally(_counts.Of(ReportEntry.Manipulated), _counts.Of(ReportEntry.Uncertain), _counts.Of(ReportEntry.Authentic), _counts.Of(ReportEntry.Failed));
        var page = new ReportPage(PicturePages.About(request.Address, _started, time.GetUtcNow(), request.Model, _execution, request.Wanted, request.Given, tally), _counts);
        ReadOnlyMemory<byte> whole = (byte[])[
            .. page.Start(), .. Encoding.UTF8.GetBytes(_list.ToString()), .. ReportPage.Middle(), .. Encoding.UTF8.GetBytes(_details.ToString()), .. page.End(),
        ];
        return Task.FromResult(whole);
    }

    public void Dispose()
    {
        ReleasePicture();
        _kept.ForEach(static lease => lease.Dispose());
        _kept.Clear();
    }

    private void ReleasePicture() => Interlocked.Exchange(ref _lease, null)?.Dispose();
}

/// <summary>What a report says of the request that it answers.</summary>
/// <param name="Address">Where it came.</param>
/// <param name="Wanted">Of its pictures.</param>
/// <param name="Given">What its query says.</param>
internal sealed record ReportRequest(
    string Address, ModelDescription Model, AnalysisSettings Wanted, IReadOnlyList<(string Name, string Value)> Given);
