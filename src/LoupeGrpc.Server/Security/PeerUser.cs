using System.Buffers.Binary;
using System.Net.Sockets;

namespace LoupeGrpc.Server.Security;

/// <summary>Who is at the other end of a Unix domain socket, as the kernel says: a feature of its connection.</summary>
/// <param name="Id">Number of the user who connected.</param>
internal sealed record PeerUser(uint Id)
{
    /// <summary>SOL_SOCKET of Linux.</summary>
    private const int SocketLevel = 1;

    /// <summary>SO_PEERCRED of Linux.</summary>
    private const int PeerCredentials = 17;

    /// <returns>Null: it is no such socket, or the system does not tell.</returns>
    public static PeerUser? Of(Socket? socket)
    {
        if (socket is not { AddressFamily: AddressFamily.Unix } || !OperatingSystem.IsLinux())
        {
            return null;
        }

        // Process, user and group, in the byte order of the machine.
        Span<byte> credentials = stackalloc byte[12];
        try
        {
            return socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials) == credentials.Length
                ? new PeerUser(BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]) : BinaryPrimitives.ReadUInt32BigEndian(credentials[4..]))
                : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
