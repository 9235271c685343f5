using Microsoft.Net.Http.Headers;

namespace LoupeGrpc.Server.Web;

/// <summary>In which form a request wants to hear what became of its pictures.</summary>
internal enum AnswerForm
{
    Json,
    Overlay,
    Report,
}

/// <summary>Reads it from <c>Accept</c>.</summary>
internal static class AnswerForms
{
    public const string Json = "application/json";
    public const string Png = "image/png";
    public const string Html = "text/html";

    /// <summary>What is given to those who take anything comes first.</summary>
    private static readonly (AnswerForm Form, MediaTypeHeaderValue Type)[] Offered =
        [(AnswerForm.Json, new(Json)), (AnswerForm.Overlay, new(Png)), (AnswerForm.Report, new(Html))];

    /// <summary>What the request likes best, in the framework's order: by quality, then what is said more exactly.</summary>
    /// <exception cref="ProblemException">It takes none of them.</exception>
    public static AnswerForm Of(HttpRequest request)
    {
        var accept = request.GetTypedHeaders().Accept.OrderByDescending(static range => range, MediaTypeHeaderValueComparer.QualityComparer).ToList();
        if (accept.Count == 0)
        {
            return AnswerForm.Json;
        }

        foreach (var range in accept.Where(static range => range.Quality != 0))
        {
            foreach (var (form, type) in Offered)
            {
                if (Matches(type, range) && !accept.Any(other => other.Quality == 0 && Matches(type, other) && Matches(other, range)))
                {
                    return form;
                }
            }
        }

        throw new ProblemException(new Problem(
            StatusCodes.Status406NotAcceptable, "UNSUPPORTED", $"answers are {Json}, {Png} or {Html}, and the request accepts {request.Headers.Accept} alone"));
    }

    /// <summary>Whatever the range says beside its type is not about types.</summary>
    private static bool Matches(MediaTypeHeaderValue type, MediaTypeHeaderValue range) => new MediaTypeHeaderValue(type.MediaType).IsSubsetOf(new MediaTypeHeaderValue(range.MediaType));
}
