using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LoupeGrpc.Server.Hosting;

/// <summary>
/// The service manager that started the program and wants to hear what becomes of it: systemd's <c>sd_notify</c>, datagrams to the socket that it names in the
/// environment. Without one, or where it is gone, nothing is sent and nothing is lost.
/// </summary>
internal sealed class ServiceManager : IDisposable
{
    private const string SocketVariable = "NOTIFY_SOCKET";
    private const string WatchdogVariable = "WATCHDOG_USEC";
    private const string WatchdogProcessVariable = "WATCHDOG_PID";

    private readonly TimeProvider _time;
    private readonly UnixDomainSocketEndPoint? _address;
    private readonly TimeSpan? _watchdog;
    private ITimer? _alive;
    private volatile bool _isStopping;

    private ServiceManager(UnixDomainSocketEndPoint? address, TimeSpan? watchdog, TimeProvider time) => (_address, _watchdog, _time) = (address, watchdog, time);

    /// <param name="environment">Its variable by name; null where there is none.</param>
    /// <param name="processId">Ours: what watches another process is not for us.</param>
    public static ServiceManager Of(Func<string, string?> environment, int processId, TimeProvider time)
    {
        var watched = environment(WatchdogProcessVariable) is not { Length: > 0 } watchedId || watchedId == processId.ToString(CultureInfo.InvariantCulture);
        var watchdog = watched && long.TryParse(environment(WatchdogVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : (TimeSpan?)null;
        return new ServiceManager(AddressOf(environment(SocketVariable)), watchdog, time);
    }

    /// <summary>It can serve, or again after <see cref="Reloading"/>. From the first time on it is told, too, that we live, where it wants that.</summary>
    /// <param name="status">One line for people.</param>
    public void Ready(string status)
    {
        if (_isStopping)
        {
            // Behind a reload that was still at work.
            return;
        }

        Send($"READY=1\nSTATUS={status}");
        if (_address is not null && _watchdog is { } interval)
        {
            // Half of it, as systemd advises: one may be late. Sent by the pool that serves, so that it stops when that does.
            _alive ??= _time.CreateTimer(_ => Send("WATCHDOG=1"), null, TimeSpan.Zero, interval / 2);
        }
    }

    /// <summary>Settings are read anew; <see cref="Ready"/> ends it.</summary>
    public void Reloading() =>
        // On Linux the clock of timestamps is CLOCK_MONOTONIC, which is what it compares with.
        Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={(long)_time.GetElapsedTime(0).TotalMicroseconds}"));

    public void Stopping()
    {
        _isStopping = true;
        Send("STOPPING=1\nSTATUS=Stopping: open sessions end");
    }

    public void Dispose() => _alive?.Dispose();

    /// <summary>A path, or behind an <c>@</c> a name without a file; whatever else it may be is nothing that we can speak to.</summary>
    private static UnixDomainSocketEndPoint? AddressOf(string? socket)
    {
        if (socket is not { Length: > 1 } || socket[0] is not ('/' or '@'))
        {
            return null;
        }

        try
        {
            return new UnixDomainSocketEndPoint(socket[0] == '@' ? $"\0{socket[1..]}" : socket);
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    private void Send(string message)
    {
        if (_address is null)
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // A manager that does not read must not hold us up.
            socket.Blocking = false;
            socket.SendTo(Encoding.UTF8.GetBytes(message), _address);
        }
        catch (SocketException)
        {
        }
    }
}
