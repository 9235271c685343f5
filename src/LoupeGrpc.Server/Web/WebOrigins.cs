using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Web;

/// <summary>Pages of which origins may call: the server's own, and those of <see cref="WebOptions.Origins"/>.</summary>
internal sealed class WebOrigins
{
    private readonly HashSet<string> _allowed;

    private WebOrigins(IEnumerable<string> allowed) => _allowed = [.. allowed];

    /// <summary>Beside the server's own.</summary>
    public IEnumerable<string> Others => _allowed;

    public bool AllowsAll => _allowed.Contains(WordsAttribute.All);

    /// <param name="text">As the setting has it.</param>
    public static WebOrigins Parse(string text) => new(WordsAttribute.Split(text));

    /// <summary>What sends no origin is no browser.</summary>
    public bool Allow(HttpRequest request) =>
        request.Headers.Origin is not [{ Length: > 0 } origin]
            ? request.Headers.Origin.Count == 0
            : AllowsAll || _allowed.Contains(origin) || string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
}
