using System.Net.Sockets;

namespace LoupeGrpc.Server.Hosting;

/// <summary>Sockets that are files.</summary>
internal static class UnixSocket
{
    /// <summary>Binds one. What a server that is gone has left at the path is replaced; whatever lives there is left alone.</summary>
    /// <param name="mode">Three octal digits. It is set before anybody can connect.</param>
    /// <exception cref="IOException">Something else is at the path, or the path cannot be used.</exception>
    /// <exception cref="SocketException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static Socket Bind(string path, string mode)
    {
        RemoveStale(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RemoveStale(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists && file.LinkTarget is null)
        {
            return;
        }

        // A file or folder refuses a connection with another error than a socket that nobody listens on.
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(file))
        {
            file.Delete();
            return;
        }
        catch (SocketException)
        {
            throw new IOException("something that is not a socket of a server that is gone is at the path");
        }

        throw new IOException("another server listens there");
    }

    /// <summary>Linux says of plain files, too, that they refuse the connection. A socket is nothing that .NET has a name for.</summary>
    private static bool IsSocket(FileInfo file) =>
        file.LinkTarget is null && (file.Attributes & (FileAttributes.Directory | FileAttributes.Device | FileAttributes.ReparsePoint)) == 0 && !CanOpen(file.FullName);

    private static bool CanOpen(string path)
    {
        try
        {
            using var opened = File.OpenHandle(path);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            // Of a file that may not be read nothing is known.
            return true;
        }
        catch (IOException)
        {
            // ENXIO: sockets cannot be opened.
            return false;
        }
    }
}
