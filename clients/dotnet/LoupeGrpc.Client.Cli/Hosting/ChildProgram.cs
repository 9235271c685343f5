using System.Diagnostics;
using System.IO.Pipes;
using System.Text;

namespace LoupeGrpc.Client.Cli.Hosting;

/// <summary>
/// A program that ends with this one, whatever happens to this one, and that no Ctrl-C of the terminal reaches. A shell stands between the two and
/// waits at a pipe whose other end only this process holds: when that end is closed, be it by SIGKILL, the program is killed.
/// </summary>
internal sealed class ChildProgram : IAsyncDisposable
{
    /// <summary>
    /// Takes orders from the pipe: the name of a signal to send, or `wait` for the exit code. Background commands lose their standard input
    /// unless it is given to them; the shell itself keeps nothing open that the reader of the program's output waits for.
    /// </summary>
    private const string Watchdog = """
        exec 3< /proc/self/fd/"$1" 4<&0
        shift
        "$@" <&4 3<&- 4<&- &
        child=$!
        exec < /dev/null > /dev/null 2>&1 4<&-
        while read -r order <&3; do
          case $order in
            wait) wait "$child"; exit ;;
            *) kill -s "$order" "$child" ;;
          esac
        done
        kill -s KILL "$child"
        wait "$child"
        """;

    /// <summary>Long enough to say goodbye to a camera, short enough for someone who pressed Ctrl-C.</summary>
    private static readonly TimeSpan PoliteTime = TimeSpan.FromMilliseconds(300);

    /// <summary>A process that waits for a broken disk cannot even be killed.</summary>
    private static readonly TimeSpan KillTime = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly AnonymousPipeServerStream _orders;
    private bool _isGone;

    private ChildProgram(Process process, AnonymousPipeServerStream orders)
    {
        _process = process;
        _orders = orders;
        Output = process.StandardOutput.BaseStream;
        Error = process.StandardError.BaseStream;
    }

    public Stream Output { get; }

    /// <summary>Must be read all the time: a program whose standard error is full stands still.</summary>
    public Stream Error { get; }

    /// <param name="program">Full path. Its standard input is this process's own.</param>
    /// <param name="arguments">As they are, without a shell's quoting.</param>
    /// <exception cref="ProgramUnavailableException">It cannot be started.</exception>
    public static ChildProgram Start(string program, IEnumerable<string> arguments)
    {
        var orders = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.Inheritable);
        try
        {
            // A session of its own: signals of the terminal are for this process, which then decides.
            var start = new ProcessStartInfo(
                "setsid", ["sh", "-c", Watchdog, "loupe-grpc-client", orders.GetClientHandleAsString(), program, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            // Messages are read by this program; FFREPORT would leave files with addresses and their passwords.
            start.Environment["LC_ALL"] = "C";
            start.Environment["AV_LOG_FORCE_NOCOLOR"] = "1";
            start.Environment.Remove("AV_LOG_FORCE_COLOR");
            start.Environment.Remove("FFREPORT");
            var process = Process.Start(start)!;
            orders.DisposeLocalCopyOfClientHandle();
            return new ChildProgram(process, orders);
        }
        catch (Exception error)
        {
            orders.Dispose();
            throw error is System.ComponentModel.Win32Exception or IOException
                ? new ProgramUnavailableException($"{Path.GetFileName(program)} cannot be started: {error.Message}")
                : error;
        }
    }

    /// <summary>Runs a program that has little to say.</summary>
    /// <exception cref="TimeoutException">It did not end in time, and was killed.</exception>
    /// <exception cref="ProgramUnavailableException">It cannot be started.</exception>
    public static async Task<(string Output, string Error)> ReadToEndAsync(
        string program, IEnumerable<string> arguments, TimeSpan patience, CancellationToken cancellationToken)
    {
        await using var child = Start(program, arguments);
        var texts = Task.WhenAll(OnThread(() => ReadToEnd(child.Output)), OnThread(() => ReadToEnd(child.Error)));
        var read = await texts.WaitAsync(patience, cancellationToken);
        return (read[0], read[1]);
    }

    /// <summary>Reads of a pipe block; the thread pool has better things to do than to wait for them.</summary>
    public static Task<T> OnThread<T>(Func<T> read) => Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <inheritdoc cref="OnThread{T}"/>
    public static Task OnThread(Action read) => Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>To be called when both streams have ended.</summary>
    /// <returns>As a shell counts: 128 and more for signals. Null when it did not end.</returns>
    public async Task<int?> ExitAsync()
    {
        await OrderAsync("wait");
        return await HasExitedAsync(KillTime) ? _process.ExitCode : null;
    }

    /// <summary>Asks the program to end. What it has yet to say can still be read; disposing does not ask.</summary>
    public Task AskToEndAsync() => OrderAsync("TERM");

    /// <summary>Kills what still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isGone)
        {
            return;
        }

        _isGone = true;
        await _orders.DisposeAsync();
        await HasExitedAsync(KillTime);
        _process.Dispose();
    }

    /// <summary>How long one that was asked to end may take.</summary>
    public static Task PoliteDelayAsync(Task ended) => PoliteDelayAsync(ended, PoliteTime);

    /// <inheritdoc cref="PoliteDelayAsync(Task)"/>
    public static Task PoliteDelayAsync(Task ended, TimeSpan patience) => Task.WhenAny(ended, Task.Delay(patience));

    private static string ReadToEnd(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private async Task OrderAsync(string order)
    {
        try
        {
            await _orders.WriteAsync(Encoding.ASCII.GetBytes(order + "\n"));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The shell is gone, and the program with it.
        }
    }

    private async Task<bool> HasExitedAsync(TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(late.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
