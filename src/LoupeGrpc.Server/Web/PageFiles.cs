using System.Security.Cryptography;
using LoupeGrpc.Server.Security;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace LoupeGrpc.Server.Web;

/// <summary>
/// The page at <c>/</c> and what belongs to it, from the folder beside the program. Each file is an endpoint of its own: what is not there at start is not there. It is
/// sent from where it lies, and looked at when somebody asks for it first. It has no secrets, so everybody may see it; what it asks the server for is another matter.
/// </summary>
internal static class PageFiles
{
    private const string Index = "index.html";

    /// <summary>Nothing from elsewhere, and no script that does not lie here.</summary>
    private const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "page");

    /// <param name="web">The listener's own group.</param>
    public static void MapPage(this RouteGroupBuilder web)
    {
        if (!Directory.Exists(Folder))
        {
            return;
        }

        var types = new FileExtensionContentTypeProvider();
        foreach (var file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(Folder, file).Replace(Path.DirectorySeparatorChar, '/');
            var tag = new Lazy<EntityTagHeaderValue>(() => TagOf(file), LazyThreadSafetyMode.PublicationOnly);
            var type = types.TryGetContentType(name, out var known) ? known : "application/octet-stream";
            web.Map(name == Index ? "/" : $"/{name}", http => AnswerAsync(http, file, type, tag)).ForEverybody();
        }
    }

    /// <summary>Of what is in it: times of files say nothing in an image.</summary>
    private static EntityTagHeaderValue TagOf(string file)
    {
        using var content = File.OpenRead(file);
        return new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");
    }

    private static Task AnswerAsync(HttpContext http, string file, string type, Lazy<EntityTagHeaderValue> tag)
    {
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
        {
            http.Response.Headers.Allow = $"{HttpMethods.Get}, {HttpMethods.Head}";
            return new Problem(StatusCodes.Status405MethodNotAllowed, "UNSUPPORTED", $"{http.Request.Method} is not answered here: {HttpMethods.Get} is").WriteAsync(http);
        }

        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        // Asked for again each time, and sent only where it has changed.
        headers.CacheControl = new StringValues("no-cache");
        return TypedResults.PhysicalFile(file, type, entityTag: tag.Value, enableRangeProcessing: true).ExecuteAsync(http);
    }
}
