using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Health;
using LoupeGrpc.Server.Models;
using LoupeGrpc.Server.Security;
using LoupeGrpc.Server.Sessions;
using LoupeGrpc.Server.Sessions.Frames;
using LoupeGrpc.Server.Sessions.Memory;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// <c>POST /v1/analyze</c>: one picture, or a form with several, answered in one of the forms of <see cref="AnswerForm"/>. Pictures of a form are read and analysed one
/// after the other, so that a request holds one of them in memory.
/// </summary>
internal sealed class AnalyzeEndpoint(
    PictureQueue pictures, PicturePainter painter, ModelRepository models, MessageRoom room, ServingState serving, CallerQuotas quotas, LiveOptions live,
    TimeProvider time, BodyRequests requests)
{
    private const string Field = "file";

    /// <summary>Characters.</summary>
    private const int MaxBoundary = 128;

    private LoupeOptions Options => live.Current;

    public Task AnswerAsync(HttpContext http) => requests.AnswerAsync(http, Answer, static (http, problem) => problem.WriteAsync(http));

    private async Task Answer(HttpContext http)
    {
        if (serving.IsDraining)
        {
            throw new ProblemException(Problem.Of(ServerBusy.Stopping.Failure));
        }

        using var answer = Begin(http, out var model);
        await AnalyzeAsync(http, answer, model).ConfigureAwait(false);
        var written = await answer.CompleteAsync().ConfigureAwait(false);
        http.Response.ContentType = answer.ContentType;
        http.Response.ContentLength = written.Length;
        http.Response.Headers.Vary = HeaderNames.Accept;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        // Names and results of others stand in it: nothing of it runs, wherever it is opened.
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
        await PatientAnswer.WriteAsync(http, written, Options, time).ConfigureAwait(false);
    }

    private IPictureAnswer Begin(HttpContext http, out string model)
    {
        var request = http.Request;
        var wanted = PictureQuery.Read(request.Query, Options, models);
        model = wanted.Model;
        CheckEncoding(request);
        var form = AnswerForms.Of(request);
        if (form != AnswerForm.Json && wanted.Settings.Receipts)
        {
            throw new ProblemException(Problem.Invalid($"a receipt comes with {AnswerForms.Json} alone, and the request accepts {request.Headers.Accept}"));
        }

        var served = models.Describe(wanted.Model)!;
        return form switch
        {
            AnswerForm.Overlay => new OverlayAnswer(painter, wanted.Settings, served.Demonstration, Options.Limits.MaxResponseBytes, http.RequestAborted),
            AnswerForm.Report => new ReportAnswer(
                painter,
                new ReportRequest($"{request.Scheme}://{request.Host}", served, wanted.Settings, [.. request.Query.Select(static part => (part.Key, part.Value.ToString()))]),
                Options.Limits.MaxResponseBytes,
                time,
                http.RequestAborted),
            _ => new JsonAnswer(wanted.Settings, Options.Limits.MaxResponseBytes),
        };
    }

    private async Task AnalyzeAsync(HttpContext http, IPictureAnswer answer, string model)
    {
        var request = http.Request;
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            await AnalyzeFormAsync(http, BoundaryOf(type), answer, model).ConfigureAwait(false);
        }
        else
        {
            CheckType(request.ContentType, type);
            await AnalyzeAsync(http, request.Body, request.ContentLength, answer, model, name: null).ConfigureAwait(false);
        }
    }

    private async Task AnalyzeFormAsync(HttpContext http, string boundary, IPictureAnswer answer, string model)
    {
        var reader = new MultipartReader(boundary, http.Request.Body);
        var count = 0;
        while (await NextAsync(http, reader).ConfigureAwait(false) is { } part)
        {
            var name = NameOf(part);
            if (count++ == Options.Limits.Credits)
            {
                throw new ProblemException(new Problem(
                    StatusCodes.Status413PayloadTooLarge, "TOO_LARGE", $"the form has more than {Options.Limits.Credits} pictures: Loupe:Limits:Credits"));
            }

            await AnalyzeAsync(http, part.Body, null, answer, model, name).ConfigureAwait(false);
        }

        if (count == 0)
        {
            throw new ProblemException(Problem.Invalid($"the form holds no picture: expected parts with the name '{Field}'"));
        }
    }

    private async Task<MultipartSection?> NextAsync(HttpContext http, MultipartReader reader)
    {
        using var waiting = new PictureBody(http, room, BodyLimit.OfPicture(Options), isOnePicture: true, Options, time);
        return await waiting.PatientlyAsync(reader.ReadNextSectionAsync).ConfigureAwait(false);
    }

    private async Task AnalyzeAsync(HttpContext http, Stream stream, long? length, IPictureAnswer answer, string model, string? name)
    {
        var settings = answer.Settings;
        using var body = new PictureBody(http, room, BodyLimit.OfPicture(Options), isOnePicture: true, Options, time);
        var picture = new EncodedInput(await body.ReadAsync(stream, length).ConfigureAwait(false));
        var quota = quotas.Of(Caller.Of(http));
        await answer.AddAsync(await EndOfAsync().ConfigureAwait(false), name).ConfigureAwait(false);
        PictureBytes.Release(picture.Data);

        async Task<FrameEnd> EndOfAsync()
        {
            if (picture.Data.IsEmpty)
            {
                return new FrameEnd.Failed(new FrameFailure(FailureKind.Invalid, "the picture has no bytes"));
            }

            var hasRoom = answer.TryReserve(quota, picture, out var failure);
            if (failure is not null)
            {
                return new FrameEnd.Failed(failure);
            }

            var analyzing = pictures.AnalyzeAsync(http.Connection.Id, quota, new PictureRequest(picture, settings, model) { HasRoom = hasRoom }, http.RequestAborted);
            // It is charged to the frames now.
            body.Release();
            return (await analyzing.ConfigureAwait(false)).End;
        }
    }

    private static void CheckEncoding(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProblemException(Problem.Unsupported($"the body is encoded ({encoding}): send it as it is"));
        }
    }

    private static void CheckType(string? sent, MediaTypeHeaderValue? type)
    {
        if (string.IsNullOrEmpty(sent) || type is { } known && (known.Type.Equals("image", StringComparison.OrdinalIgnoreCase)
            || known.MediaType.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase)))
        {
            return;
        }

        throw new ProblemException(Problem.Unsupported(
            $"the body is {sent}: expected image/*, application/octet-stream, or multipart/form-data with parts named '{Field}' (curl -F {Field}=@a.jpg)"));
    }

    private static string BoundaryOf(MediaTypeHeaderValue type) =>
        HeaderUtilities.RemoveQuotes(type.Boundary) is { Length: > 0 and <= MaxBoundary } boundary ? boundary.ToString()
        : throw new ProblemException(Problem.Invalid($"the form says no boundary, or one of more than {MaxBoundary} characters"));

    /// <returns>Of its file; null: it says none.</returns>
    private static string? NameOf(MultipartSection part)
    {
        if (!ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var disposition) || HeaderUtilities.RemoveQuotes(disposition.Name) != Field)
        {
            throw new ProblemException(Problem.Invalid($"the form has a part named '{disposition?.Name}': expected '{Field}' alone, settings stand in the query"));
        }

        var name = disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName);
        return name.HasValue && name.Length > 0 ? name.ToString() : null;
    }
}
