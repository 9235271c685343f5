using System.Globalization;
using System.Net.Sockets;
using LoupeGrpc.Engine;
using LoupeGrpc.Engine.Providers;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Commands;

/// <summary>The program in surroundings that lack something: one clear sentence and the right exit code.</summary>
public sealed class SurroundingsTests(NanoEngine nano) : IDisposable
{
    private static readonly string[] Serve = ["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0"];

    private readonly TemporaryDirectory _temporary = new();

    private (string Name, string Value) Cache => ("Loupe__Model__CacheDirectory", nano.CacheDirectory);

    private string[] Convert =>
    [
        "convert", "--weights", TestData.Golden("tiny", "tiny-s", "model.safetensors"), "--config", TestData.Golden("tiny", "tiny-s", "config.json"),
        "--output", _temporary["package"],
    ];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("--help")]
    [InlineData("inspect", "MODEL", "--json")]
    [InlineData("probe", "--provider", "CPU")]
    [InlineData("serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0")]
    public async Task A_standard_output_that_is_full_is_one_sentence(params string[] arguments)
    {
        var (code, _, error) = await ServerProcess.RunByShellAsync(
            "exec \"$0\" \"$@\" > /dev/full", arguments.Select(static argument => argument == "MODEL" ? TestData.NanoModel("model.safetensors") : argument), Cache);
        Assert.Equal(1, code);
        AssertSentence("error: standard output cannot be written: No space left on device", error);
    }

    [Theory]
    [InlineData(">&-")]
    [InlineData("2>&-")]
    [InlineData("<&- >&- 2>&-")]
    public async Task A_server_without_its_standard_streams_serves(string closed)
    {
        // The ready line may have nowhere to go.
        var port = FreePort.Find();
        await using var server = ServerProcess.StartByShell(
            $"exec \"$0\" \"$@\" {closed}", ["serve", "--listen", "http://127.0.0.1:0", "--operations", $"http://127.0.0.1:{port}"], Cache);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Patience.UntilAsync(() => IsReady(http));
        // Log lines must not have gone into what the runtime has opened in their place: it would not answer signals any more.
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.DoesNotContain("   at ", server.Error, StringComparison.Ordinal);
    }

    /// <summary>A pipe at whose other end nobody is any more, at the first word or while it serves.</summary>
    [Fact]
    public async Task A_server_whose_output_and_log_nobody_reads_any_more_serves()
    {
        var port = FreePort.Find();
        await using var server = ServerProcess.StartByShell(
            "{ \"$0\" \"$@\" & echo $! > \"$PID_FILE\"; wait $!; echo $? > \"$CODE_FILE\"; } 2>&1 | true",
            ["serve", "--listen", "http://127.0.0.1:0", "--operations", $"http://127.0.0.1:{port}"],
            Cache, ("PID_FILE", _temporary["pid"]), ("CODE_FILE", _temporary["code"]));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Patience.UntilAsync(() => IsReady(http));
        using var running = System.Diagnostics.Process.GetProcessById(
            int.Parse((await File.ReadAllTextAsync(_temporary["pid"], Patience.Token())).Trim(), CultureInfo.InvariantCulture));
        // Each is a line of log.
        await running.SignalAsync("HUP");
        await running.SignalAsync("HUP");
        Assert.True(IsReady(http));
        await running.SignalAsync("TERM");
        await server.ExitAsync();
        await Patience.UntilAsync(() => File.Exists(_temporary["code"]) && new FileInfo(_temporary["code"]).Length > 0);
        Assert.Equal("0", (await File.ReadAllTextAsync(_temporary["code"], Patience.Token())).Trim());
    }

    /// <summary>Without a limit of its own Kestrel would burn a core over a connection that it cannot accept, until the process dies of it.</summary>
    [Fact]
    public async Task More_silent_connections_than_files_may_be_open_harm_nobody()
    {
        const int Files = 512, Connections = Files + 100;
        var (port, operations) = (FreePort.Find(), FreePort.Find());
        await using var server = ServerProcess.StartByShell(
            $"ulimit -n {Files}; exec \"$0\" \"$@\"", ["serve", "--listen", $"http://127.0.0.1:{port}", "--operations", $"http://127.0.0.1:{operations}"], Cache);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{operations}") };
        await Patience.UntilAsync(() => IsReady(http));
        var sockets = Enumerable.Range(0, Connections).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp)).ToList();
        foreach (var socket in sockets)
        {
            try
            {
                await socket.ConnectAsync("127.0.0.1", port, Patience.Token());
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Refused before this end knew that it was connected.
            }
        }

        await server.WaitForErrorAsync("connections are open already: another is refused");

        // Starting takes a core for a while; a server that tries to accept does so for ever.
        var patience = Patience.Token();
        TimeSpan before;
        do
        {
            before = server.ProcessorTime;
            await Task.Delay(1000, patience);
        }
        while (server.ProcessorTime - before > TimeSpan.FromSeconds(0.3));

        Assert.True(IsReady(http));
        sockets.ForEach(static socket => socket.Dispose());
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.DoesNotContain("   at ", server.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("<&- 2>&-")]
    // As a script leaves it that was started without one.
    [InlineData("2</dev/null")]
    public async Task A_client_without_standard_error_says_by_its_exit_code_what_came_of_it(string closed)
    {
        await using var client = ClientProcess.Start($"exec \"$CLIENT\" analyze missing.jpg {closed}", _temporary.FullName);
        Assert.Equal(20, (await client.EndAsync()).ExitCode);
    }

    [Theory]
    [InlineData(">&-", true)]
    [InlineData("2>&-", false)]
    [InlineData("<&- >&- 2>&-", false)]
    [InlineData("2> /dev/full", false)]
    [InlineData("> /dev/full", true)]
    public async Task A_conversion_that_is_written_succeeds_whoever_hears_of_it(string streams, bool warned)
    {
        var (code, _, error) = await ServerProcess.RunByShellAsync($"exec \"$0\" \"$@\" {streams}", Convert);
        Assert.Equal(0, code);
        Assert.Equal([_temporary["package"]], Directory.GetFileSystemEntries(_temporary.FullName));
        Assert.Equal(0, (await ServerProcess.RunAsync(["inspect", _temporary["package"]])).Code);
        Assert.Equal(
            warned,
            error.Contains(
                $"warning: the package was written, but standard output does not take its name ({(streams == ">&-" ? "it is closed" : "No space left on device")}): package@",
                StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", error);
    }

    [Theory]
    [InlineData(32, "serve")]
    [InlineData(64, "serve")]
    [InlineData(128, "serve")]
    [InlineData(64, "inspect")]
    public async Task Too_few_open_files_are_one_sentence(int files, string verb)
    {
        var (code, output, error) = await ServerProcess.RunByShellAsync(
            $"ulimit -n {files}; exec \"$0\" \"$@\"", verb == "serve" ? Serve : [verb, TestData.NanoModel("model.safetensors")], Cache);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Equal($"error: at most {files} files may be open, at least 256 are needed: raise the limit with 'ulimit -n 1024' (systemd: LimitNOFILE=1024)", error.Trim());
    }

    [Theory]
    [InlineData(16, "loupe-grpc-server", 1)]
    [InlineData(20, "loupe-grpc-client", 70)]
    [InlineData(255, "loupe-grpc-client", 70)]
    public async Task Where_not_even_the_runtime_can_start_the_launcher_says_the_same_sentence(int files, string program, int code)
    {
        Directory.CreateDirectory(_temporary["out"]);
        File.Copy(Path.Combine(TestData.RepositoryRoot, "build/launch.sh"), _temporary[$"out/{program}"]);
        var run = await ClientProcess.RunAsync($"ulimit -n {files}; exec out/{program} info", _temporary.FullName);
        Assert.Equal(code, run.ExitCode);
        Assert.Equal($"error: at most {files} files may be open, at least 256 are needed: raise the limit with 'ulimit -n 1024' (systemd: LimitNOFILE=1024)", run.Error.Trim());
    }

    [Theory]
    [InlineData(24)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(255)]
    public async Task Too_few_open_files_for_a_client_are_one_sentence(int files)
    {
        var run = await ClientProcess.RunAsync($"ulimit -n {files}; exec \"$CLIENT\" info", _temporary.FullName);
        Assert.Equal(70, run.ExitCode);
        Assert.Equal($"error: at most {files} files may be open, at least 256 are needed: raise the limit with 'ulimit -n 1024' (systemd: LimitNOFILE=1024)", run.Error.Trim());
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("inspect", "MODEL", "--json")]
    [InlineData("probe", "--provider", "CPU")]
    [InlineData("key", "add", "--file", "KEYS", "--name", "a")]
    public async Task Without_a_standard_output_what_is_shown_there_is_not_done(params string[] arguments)
    {
        var (code, _, error) = await ServerProcess.RunByShellAsync("exec \"$0\" \"$@\" >&-", arguments.Select(argument => argument switch
        {
            "MODEL" => TestData.NanoModel("model.safetensors"),
            "KEYS" => _temporary["keys.json"],
            _ => argument,
        }));
        Assert.Equal((1, "error: standard output is closed: there is nowhere to show it (> /dev/null throws it away)"), (code, error.Trim()));
        Assert.False(File.Exists(_temporary["keys.json"]));
    }

    [Fact]
    public async Task Nothing_is_written_into_the_home_directory()
    {
        Directory.CreateDirectory(_temporary["home"]);
        await using var server = ServerProcess.Start(Serve, [Cache, ("HOME", _temporary["home"]), ("XDG_CACHE_HOME", string.Empty)]);
        var address = (await server.ReadLineAsync())!.Split(' ')[1];
        var client = await ClientProcess.RunAsync($"HOME={_temporary["home"]} exec \"$CLIENT\" analyze '{TestData.Sample("authentic-coffee.jpg")}'", _temporary.FullName, new Uri(address));
        await server.SignalAsync("TERM");
        Assert.Equal((0, 0), (client.ExitCode, await server.ExitAsync()));
        Assert.Empty(Directory.GetFileSystemEntries(_temporary["home"]));
    }

    [Fact]
    public async Task What_a_build_does_not_have_is_one_line_at_its_start()
    {
        Assert.SkipWhen(ProviderTrial.IsInBuild(ProviderKind.Cuda), "this build has it");
        await using var server = ServerProcess.Start(Serve, Cache);
        Assert.StartsWith("ready ", await server.ReadLineAsync(), StringComparison.Ordinal);
        await using var asked = ServerProcess.Start([.. Serve, "--Loupe:Execution:Providers=CUDA,CPU"], Cache);
        Assert.StartsWith("ready ", await asked.ReadLineAsync(), StringComparison.Ordinal);
        await server.SignalAsync("TERM");
        await asked.SignalAsync("TERM");
        Assert.Equal((0, 0), (await server.ExitAsync(), await asked.ExitAsync()));

        var line = Assert.Single(server.Error.Split('\n'), static line => line.Contains("CUDA", StringComparison.Ordinal));
        Assert.Matches("info: .*Not in this build, which was made with the CPU-only package of ONNX Runtime: TensorRT, CUDA", line);
        Assert.DoesNotContain("does not serve", server.Error, StringComparison.Ordinal);
        Assert.Matches("warn: .*: CUDA", Assert.Single(asked.Error.Split('\n'), static line => line.Contains("CUDA", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Try: loupe-grpc-server key add --help", "key", "add", "--role", "boss")]
    [InlineData("Try: loupe-grpc-server key list --help", "key", "list")]
    [InlineData("Try: loupe-grpc-server key revoke --help", "key", "revoke", "--nope")]
    [InlineData("Try: loupe-grpc-server key --help", "key")]
    [InlineData("Try: loupe-grpc-server convert --help", "convert")]
    [InlineData("Try: loupe-grpc-server --help", "--nope")]
    public async Task The_help_that_is_advised_is_that_of_the_command(string advice, params string[] arguments)
    {
        var (code, _, error) = await ServerProcess.RunAsync(arguments);
        Assert.Equal((2, advice), (code, error.TrimEnd().Split('\n')[^1]));
        var (help, shown, _) = await ServerProcess.RunAsync(advice.Split(' ')[2..]);
        Assert.Equal(0, help);
        Assert.Contains("Usage:", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6_000_000)]
    [InlineData(4_000_000)]
    [InlineData(2_000_000)]
    public async Task Too_little_address_space_is_one_sentence(int kibibytes)
    {
        var (code, output, error) = await ServerProcess.RunByShellAsync($"ulimit -v {kibibytes}; exec \"$0\" \"$@\"", Serve, Cache);
        Assert.Equal((1, string.Empty), (code, output));
        var megabytes = (kibibytes / 1024).ToString(CultureInfo.InvariantCulture);
        AssertSentence(
            $"The address space of this process is limited to {megabytes} MiB, which is too little for a server (at least 6144 MiB): remove the limit with 'ulimit -v unlimited'", error);
    }

    [Fact]
    public async Task Without_a_home_and_a_temporary_directory_it_says_what_to_set()
    {
        var (code, output, error) = await ServerProcess.RunByShellAsync(
            "unset HOME XDG_CACHE_HOME; exec \"$0\" \"$@\"", Serve, ("TMPDIR", _temporary["nowhere"]));
        Assert.Equal((1, string.Empty), (code, output));
        AssertSentence("set Loupe:Model:CacheDirectory, HOME or TMPDIR to a directory that can be written.", error);
    }

    [Fact]
    public async Task A_current_directory_that_is_gone_is_one_sentence()
    {
        Directory.CreateDirectory(_temporary["gone"]);
        var (code, output, error) = await ServerProcess.RunByShellAsync(
            $"cd '{_temporary["gone"]}'; rmdir '{_temporary["gone"]}'; exec \"$0\" \"$@\"", [.. Serve, "--model", "here"], Cache);
        Assert.Equal((1, string.Empty), (code, output));
        AssertSentence("error: the current directory is gone: change to another one first", error);
    }

    /// <summary>Killed, a server cannot take its model's directory with it.</summary>
    [Fact]
    public async Task The_directory_that_a_killed_server_left_is_removed_by_the_next()
    {
        Directory.CreateDirectory(_temporary["tmp"]);
        (string, string)[] environment = [("TMPDIR", _temporary["tmp"]), ("HOME", string.Empty), ("XDG_CACHE_HOME", string.Empty)];
        await using var killed = ServerProcess.Start(Serve, environment);
        Assert.StartsWith("ready ", await killed.ReadLineAsync(), StringComparison.Ordinal);
        var left = Assert.Single(ModelsLeft());
        await using (var beside = ServerProcess.Start(Serve, environment))
        {
            Assert.StartsWith("ready ", await beside.ReadLineAsync(), StringComparison.Ordinal);
            Assert.Equal(2, ModelsLeft().Length);
            await beside.SignalAsync("TERM");
            Assert.Equal(0, await beside.ExitAsync());
        }

        Assert.Equal([left], ModelsLeft());
        await killed.SignalAsync("KILL");
        await killed.ExitAsync();
        await using var next = ServerProcess.Start(Serve, environment);
        Assert.StartsWith("ready ", await next.ReadLineAsync(), StringComparison.Ordinal);
        Assert.NotEqual(left, Assert.Single(ModelsLeft()));
        await next.SignalAsync("TERM");
        Assert.Equal(0, await next.ExitAsync());
        Assert.Empty(ModelsLeft());
    }

    [Fact]
    public async Task What_a_killed_conversion_left_is_removed_by_the_next()
    {
        await using (var killed = ServerProcess.Start(Convert))
        {
            await Patience.UntilAsync(() => Directory.GetDirectories(_temporary.FullName).Length > 0);
            await killed.SignalAsync("KILL");
            await killed.ExitAsync();
        }

        var left = Directory.GetFileSystemEntries(_temporary.FullName);
        Assert.NotEmpty(left);
        Assert.All(left, static path => Assert.StartsWith(".package.partial-", Path.GetFileName(path), StringComparison.Ordinal));
        Assert.Equal(0, (await ServerProcess.RunAsync(Convert)).Code);
        Assert.Equal([_temporary["package"]], Directory.GetFileSystemEntries(_temporary.FullName));
    }

    private string[] ModelsLeft() => Directory.GetDirectories(_temporary["tmp"], "loupe-grpc-*");

    /// <summary>The last line has it, and no other line looks like a stack trace.</summary>
    private static void AssertSentence(string sentence, string error)
    {
        var last = error.TrimEnd().Split('\n')[^1];
        Assert.StartsWith("error: ", last, StringComparison.Ordinal);
        Assert.EndsWith(sentence, last, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static bool IsReady(HttpClient http)
    {
        try
        {
            return http.GetAsync("/healthz/ready", Patience.Token()).GetAwaiter().GetResult().IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
