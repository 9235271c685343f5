using System.Buffers;
using LoupeGrpc.Engine;
using LoupeGrpc.Server.Configuration;
using LoupeGrpc.Server.Contract;
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
/// <c>POST /v1/analyze</c>: one picture, answered with an object, or a form with several, answered with an array. Pictures of a form are read and analysed one
/// after the other, so that a request holds one of them in memory.
/// </summary>
internal sealed class AnalyzeEndpoint(
    PictureQueue pictures, ModelRepository models, MessageRoom room, ServingState serving, CallerQuotas quotas, LiveOptions live, TimeProvider time, BodyRequests requests)
{
    private const string Field = "file";
    private const string Json = "application/json";

    /// <summary>Characters.</summary>
    private const int MaxBoundary = 128;

    private LoupeOptions Options => live.Current;

    public Task AnswerAsync(HttpContext http) => requests.AnswerAsync(http, Answer, static (http, problem) => problem.WriteAsync(http));

    private async Task Answer(HttpContext http)
    {
        var answer = await AnalyzeAsync(http).ConfigureAwait(false);
        http.Response.ContentType = Json;
        http.Response.ContentLength = answer.WrittenCount;
        await http.Response.Body.WriteAsync(answer.WrittenMemory, http.RequestAborted).ConfigureAwait(false);
    }

    private async Task<ArrayBufferWriter<byte>> AnalyzeAsync(HttpContext http)
    {
        if (serving.IsDraining)
        {
            throw new ProblemException(Problem.Of(ServerBusy.Stopping.Failure));
        }

        var request = http.Request;
        var wanted = PictureQuery.Read(request.Query, Options, models);
        CheckHeaders(request);
        var answer = new ArrayBufferWriter<byte>();
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            await AnalyzeFormAsync(http, BoundaryOf(type), wanted, answer).ConfigureAwait(false);
        }
        else
        {
            CheckType(request.ContentType, type);
            var end = await AnalyzeAsync(http, request.Body, request.ContentLength, wanted.Settings, wanted.Model).ConfigureAwait(false);
            ResultOf(end).ToLine(null, 0).WriteTo(answer);
        }

        answer.Write("\n"u8);
        return answer;
    }

    private async Task AnalyzeFormAsync(HttpContext http, string boundary, PictureQuery wanted, ArrayBufferWriter<byte> answer)
    {
        var reader = new MultipartReader(boundary, http.Request.Body);
        List<(string? Name, FrameEnd End)> first = [];
        ulong count = 0;
        while (await NextAsync(http, reader).ConfigureAwait(false) is { } part)
        {
            var name = NameOf(part);
            if (count == (ulong)Options.Limits.Credits)
            {
                throw new ProblemException(new Problem(
                    StatusCodes.Status413PayloadTooLarge, "TOO_LARGE", $"the form has more than {Options.Limits.Credits} pictures: Loupe:Limits:Credits"));
            }

            // What is left of the answer: the masks of later pictures may not fit.
            var room = Math.Clamp(Options.Limits.MaxResponseBytes - answer.WrittenCount, 1 << 16, AnalysisSettings.DefaultResponseBytes);
            var end = await AnalyzeAsync(http, part.Body, null, wanted.Settings with { MaxResponseBytes = room }, wanted.Model).ConfigureAwait(false);
            if (count == 0)
            {
                first.Add((name, end));
            }
            else
            {
                if (count == 1)
                {
                    answer.Write("["u8);
                    first[0].End.ToLine(first[0].Name, 0).WriteTo(answer);
                }

                answer.Write(","u8);
                end.ToLine(name, count).WriteTo(answer);
            }

            count++;
        }

        switch (count)
        {
            case 0:
                throw new ProblemException(Problem.Invalid($"the form holds no picture: expected parts with the name '{Field}'"));
            case 1:
                ResultOf(first[0].End).ToLine(first[0].Name, 0).WriteTo(answer);
                break;
            default:
                answer.Write("]"u8);
                break;
        }
    }

    private async Task<MultipartSection?> NextAsync(HttpContext http, MultipartReader reader)
    {
        using var waiting = new PictureBody(http, room, BodyLimit.OfPicture(Options), Options, time);
        return await waiting.PatientlyAsync(reader.ReadNextSectionAsync).ConfigureAwait(false);
    }

    private async Task<FrameEnd> AnalyzeAsync(HttpContext http, Stream stream, long? length, AnalysisSettings settings, string model)
    {
        using var body = new PictureBody(http, room, BodyLimit.OfPicture(Options), Options, time);
        var picture = await body.ReadAsync(stream, length).ConfigureAwait(false);
        if (picture.IsEmpty)
        {
            return new FrameEnd.Failed(new FrameFailure(FailureKind.Invalid, "the picture has no bytes"));
        }

        var analyzing = pictures.AnalyzeAsync(http.Connection.Id, quotas.Of(Caller.Of(http)), new PictureRequest(new EncodedInput(picture), settings, model), http.RequestAborted);
        // It is charged to the frames now.
        body.Release();
        return (await analyzing.ConfigureAwait(false)).End;
    }

    private static FrameEnd ResultOf(FrameEnd end) => end is FrameEnd.Failed { Failure: var failure } ? throw new ProblemException(Problem.Of(failure)) : end;

    private static void CheckHeaders(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProblemException(Problem.Unsupported($"the body is encoded ({encoding}): send it as it is"));
        }

        var accept = request.GetTypedHeaders().Accept;
        var json = new MediaTypeHeaderValue(Json);
        if (accept.Count > 0 && !accept.Any(wanted => wanted.Quality != 0 && json.IsSubsetOf(new MediaTypeHeaderValue(wanted.MediaType))))
        {
            throw new ProblemException(new Problem(StatusCodes.Status406NotAcceptable, "UNSUPPORTED", $"answers are {Json}, and the request accepts {request.Headers.Accept} alone"));
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
