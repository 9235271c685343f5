using LoupeGrpc.Server.Configuration;

namespace LoupeGrpc.Server.Hosting;

/// <summary>An address cannot be listened on. The message names the setting.</summary>
internal sealed class ListenException : Exception
{
    private ListenException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public static ListenException From(Exception exception, EndpointOptions endpoints)
    {
        var reason = (exception.InnerException ?? exception).Message.TrimEnd('.');
        // Kestrel says which address only in its sentence.
        return Mentions(exception, endpoints.Grpc) ? About(endpoints.Grpc.ToString(), "--listen or Loupe:Endpoints:Grpc")
            : Mentions(exception, endpoints.Operations) ? About(endpoints.Operations.ToString(), "--operations or Loupe:Endpoints:Operations")
            : About($"{endpoints.Grpc} or {endpoints.Operations}", "--listen and --operations, or Loupe:Endpoints:Grpc and Loupe:Endpoints:Operations");

        ListenException About(string address, string settings) =>
            new($"cannot listen on {address}: {reason}. Choose another address with {settings}.", exception);
    }

    private static bool Mentions(Exception exception, ListenUrl url) =>
        exception.Message.Contains(url.EndPoint.ToString(), StringComparison.Ordinal);
}
