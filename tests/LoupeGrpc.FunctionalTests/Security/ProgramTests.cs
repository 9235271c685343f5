using System.Text.RegularExpressions;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.TestSupport;

namespace LoupeGrpc.FunctionalTests.Security;

/// <summary>Both programs as people run them: what they say, and their exit codes.</summary>
public sealed partial class ProgramTests(NanoEngine engine) : IDisposable
{
    private readonly TemporaryDirectory _files = new();
    private readonly TestAuthority _authority = new();

    private string[] Tls => ["--Loupe:Tls:Certificate=" + _files["server.pem"], "--Loupe:Tls:Key=" + _files["server.key"]];

    public void Dispose()
    {
        _authority.Dispose();
        _files.Dispose();
    }

    [Theory]
    [InlineData("--listen", "http://*:0", "--operations", "http://127.0.0.1:0")]
    [InlineData("--listen", "http://127.0.0.1:0", "--operations", "http://0.0.0.0:0")]
    [InlineData("--web", "http://0.0.0.0:0")]
    public async Task A_server_that_others_reach_does_not_start_before_it_is_said_who_may_come_in(params string[] arguments)
    {
        var (code, output, error) = await RunServerAsync(arguments);
        Assert.Equal((2, string.Empty), (code, output));
        Assert.All(
            ["Loupe:Security:Keys", "key add", "Loupe:Tls:ClientCertificates", "Loupe:Security:Authority", "--open"],
            way => Assert.Contains(way, error, StringComparison.Ordinal));
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Files_that_cannot_be_used_are_settings_errors_all_at_once()
    {
        TestAuthority.Write(_authority.Server(), _files["server.pem"], _files["server.key"]);
        using var other = new TestAuthority();
        TestAuthority.Write(other.Server(), _files["other.pem"], _files["other.key"]);
        await File.WriteAllTextAsync(_files["keys.json"], "{\"version\":1,\"keys\":[{\"na", Patience.Token());

        var (code, _, error) = await RunServerAsync(
            "--listen", "https://127.0.0.1:0", $"--Loupe:Tls:Certificate={_files["server.pem"]}", $"--Loupe:Tls:Key={_files["other.key"]}",
            "--Loupe:Tls:ClientCertificates=require", $"--Loupe:Tls:ClientAuthority={_files["nowhere.pem"]}", $"--Loupe:Security:Keys={_files["keys.json"]}");

        Assert.Equal(2, code);
        var lines = error.TrimEnd().Split('\n').Order(StringComparer.Ordinal).ToList();
        Assert.Equal(3, lines.Count);
        Assert.StartsWith($"error: Loupe:Security:Keys: {_files["keys.json"]} is not a file of keys, or only half of one, from line 1 on: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"error: Loupe:Tls:ClientAuthority, {_files["nowhere.pem"]}, cannot be read: ", lines[1], StringComparison.Ordinal);
        Assert.Equal($"error: Loupe:Tls:Key, {_files["other.key"]}, cannot be used: it is damaged, or not the key of the certificate in {_files["server.pem"]}.", lines[2]);
    }

    [Fact]
    public async Task What_is_wrong_with_a_key_is_said_and_not_that_it_is_damaged()
    {
        using var between = _authority.Below("CN=between");
        using var certificate = between.Server();
        TestAuthority.Write(certificate, _files["server.pem"], _files["server.key"]);
        await File.WriteAllTextAsync(_files["turned.pem"], between.Pem + certificate.ExportCertificatePem(), Patience.Token());
        await File.WriteAllTextAsync(
            _files["old.key"],
            TestAuthority.KeyOf(certificate).Replace("BEGIN PRIVATE KEY-----", "BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n", StringComparison.Ordinal)
                .Replace("END PRIVATE", "END EC PRIVATE", StringComparison.Ordinal),
            Patience.Token());

        Assert.Equal(
            $"error: Loupe:Tls:Key, {_files["server.key"]}, cannot be used: it is damaged, or not the key of the first certificate in {_files["turned.pem"]}.", await ErrorOfAsync("turned.pem", "server.key"));
        Assert.Equal(
            $"error: Loupe:Tls:Key, {_files["old.key"]}, is encrypted in OpenSSL's old form, which is not read: 'openssl pkcs8 -topk8 -in OLD -out NEW' writes it in the other.",
            await ErrorOfAsync("server.pem", "old.key"));
        Assert.Equal($"error: Loupe:Tls:Certificate, {_files.FullName}, cannot be read: {_files.FullName} is a folder.", await ErrorOfAsync("", "server.key"));
        var run = await ClientProcess.RunAsync("\"$CLIENT\" info --server https://127.0.0.1:1 --cert server.pem --key-file old.key", _files.FullName);
        Assert.Equal((2, "error: the private key in old.key is encrypted: decrypt it first (openssl pkey)\n"), (run.ExitCode, run.Error));

        async Task<string> ErrorOfAsync(string file, string keyFile) => (await RunServerAsync(
            "--listen", "https://127.0.0.1:0", $"--Loupe:Tls:Certificate={(file.Length > 0 ? _files[file] : _files.FullName)}", $"--Loupe:Tls:Key={_files[keyFile]}")).Error.TrimEnd();
    }

    [Fact]
    public async Task An_authority_that_signs_nothing_by_itself_is_a_settings_error_wherever_one_is_named()
    {
        using var between = _authority.Below("CN=between");
        TestAuthority.Write(_authority.Server(), _files["server.pem"], _files["server.key"]);
        await File.WriteAllTextAsync(_files["between.pem"], between.Pem, Patience.Token());

        var (code, _, error) = await RunServerAsync(
            [
                "--listen", "https://127.0.0.1:0", .. Tls, "--Loupe:Tls:ClientCertificates=require", $"--Loupe:Tls:ClientAuthority={_files["between.pem"]}",
                $"--Loupe:Sessions:StoreAuthority={_files["server.key"]}", "--Loupe:Security:Authority=https://id.example.test", "--Loupe:Security:Audience=loupe",
                $"--Loupe:Security:AuthorityCertificate={_files["between.pem"]}",
            ]);

        Assert.Equal(2, code);
        Assert.Equal(
            [
                $"error: Loupe:Security:AuthorityCertificate, {_files["between.pem"]}, holds no root, which signs itself: CN=between is signed by CN=test root, whose certificate is wanted too.",
                $"error: Loupe:Sessions:StoreAuthority, {_files["server.key"]}, holds no certificate in PEM.",
                $"error: Loupe:Tls:ClientAuthority, {_files["between.pem"]}, holds no root, which signs itself: CN=between is signed by CN=test root, whose certificate is wanted too.",
            ],
            error.TrimEnd().Split('\n').Order(StringComparer.Ordinal));
    }

    /// <summary>A folder has the name; a file system that is read only ends the same way.</summary>
    [Fact]
    public async Task An_audit_log_that_cannot_be_written_is_one_sentence()
    {
        var (code, output, error) = await RunServerAsync("--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off", $"--Loupe:Audit:File={_files.FullName}");

        Assert.Equal((1, string.Empty), (code, output));
        var said = error.TrimEnd().Split('\n').SkipWhile(static line => !line.StartsWith("error:", StringComparison.Ordinal));
        Assert.StartsWith("error: Loupe:Audit:File cannot be written: ", Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task From_a_key_to_a_verdict_and_to_its_end()
    {
        TestAuthority.Write(_authority.Server("CN=old"), _files["server.pem"], _files["server.key"]);
        await File.WriteAllTextAsync(_files["ca.pem"], _authority.Pem, Patience.Token());
        var key = await AddKeyAsync("gate-3");
        var (again, nothing, why) = await RunAsync("key", "add", "--file", _files["keys.json"], "--name", "gate-3");
        Assert.Equal((1, "", "error: gate-3 has a key already: revoke that one first, or choose another name"), (again, nothing, why.Trim()));
        await File.WriteAllTextAsync(_files["key"], key + "\n", Patience.Token());
        await using var server = StartServer(["--listen", "https://127.0.0.1:0", "--operations", "https://127.0.0.1:0", .. Tls, $"--Loupe:Security:Keys={_files["keys.json"]}"]);
        var ready = Ready().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        var url = ready.Groups["grpc"].Value;
        var picture = TestData.Sample("authentic-rocket.png");

        await RunClientAsync(0, "", $"analyze {picture} --server {url} --ca ca.pem --key @key --format jsonl --thresholds 0.98,0.99");
        await RunClientAsync(0, "", $"info --server {url} --ca ca.pem", ("LOUPE_KEY", key));
        await RunClientAsync(0, "", $"info --server {url} --ca ca.pem --header authorization='Bearer {key}'");
        await RunClientAsync(
            0, $"warning: --insecure: the certificate of {url} is not checked; who is in between can read and change everything\n", $"info --server {url} --insecure --key @key");
        await RunClientAsync(
            77,
            $"error: the server at {url} does not let us in: this server wants to know who calls: send a key or a token as 'authorization: Bearer …', or show a certificate. Who we are: --key KEY or --cert FILE.\n",
            $"analyze {picture} --server {url} --ca ca.pem");
        await RunClientAsync(
            77, $"error: the server at {url} does not let us in: the key is not known here, or was revoked. Who we are: --key KEY or --cert FILE.\n", $"info --server {url} --ca ca.pem --key loupe_wrong");
        await RunClientAsync(
            69,
            $"error: the certificate of {url} is not trusted: it is signed by CN=test root, which is not trusted on this machine: use --ca FILE with the certificate of who signed it (--insecure takes any)\n",
            $"info --server {url} --key @key --connect-timeout 0");
        var plain = url.Replace("https", "http", StringComparison.Ordinal);
        await RunClientAsync(69, $"error: what answers at {plain} speaks TLS: the address is {url} (--server or LOUPE_SERVER)\n", $"info --server {plain} --key @key --connect-timeout 0");

        // New certificates, told by the signal, and keys taken back.
        TestAuthority.Write(_authority.Server("CN=new"), _files["server.pem"], _files["server.key"]);
        await server.SignalAsync("HUP");
        await server.WaitForErrorAsync("The certificate is CN=new from now on");
        Assert.Equal(0, (await RunAsync("key", "revoke", "--file", _files["keys.json"], "--name", "gate-3")).Code);
        await server.WaitForErrorAsync("0 in all, 0 new or changed, 1 revoked");
        await RunClientAsync(77, null, $"info --server {url} --ca ca.pem --key @key");
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        Assert.DoesNotContain(key, server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_whose_key_is_revoked_ends_with_77()
    {
        var key = await AddKeyAsync("gate-3");
        await using var server = StartServer(["--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", $"--Loupe:Security:Keys={_files["keys.json"]}"]);
        var ready = Ready().Match(await server.ReadLineAsync() ?? string.Empty);
        Assert.True(ready.Success, server.Error);
        await using var client = ClientProcess.Start(
            ["stream", "-", "--raw", "bgr24:64x64", "--server", ready.Groups["grpc"].Value, "--key", key, "--format", "jsonl"], _files.FullName);
        using var ended = new CancellationTokenSource();
        var sending = SendAsync(client.Input, ended.Token);
        await server.WaitForErrorAsync(": opened, ");

        Assert.Equal(0, (await RunAsync("key", "revoke", "--file", _files["keys.json"], "--name", "gate-3")).Code);
        var run = await client.EndAsync();
        await ended.CancelAsync();
        await sending;

        Assert.Equal(77, run.ExitCode);
        Assert.Contains("the key that the session was opened with was revoked", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expired", 69, "error: the certificate of URL expired on ")]
    [InlineData("not yet", 69, "error: the certificate of URL is not valid before ")]
    [InlineData("wrong host", 69, "error: the certificate of URL is for elsewhere.test, and not for 127.0.0.1: use one of its names with --server (--insecure takes any)")]
    [InlineData("plain", 69, "error: what answers at URL does not speak TLS: the address is http://")]
    [InlineData("wrong authority", 69, "error: the certificate of URL is not trusted: it is signed by CN=another, and only CN=test root is to be believed: --ca ca.pem lacks the certificate of who signed it")]
    [InlineData("client's", 69, "error: the certificate of URL is not trusted: it, or who signed it, is not made for servers (key usage): the server needs a new one (--insecure takes any)")]
    [InlineData("self-signed", 69, "error: the certificate of URL is not trusted: it is signed by itself alone: --ca ca.pem lacks the certificate")]
    public async Task What_is_wrong_with_the_way_to_a_server_has_a_sentence_of_its_own(string case_, int code, string expected)
    {
        await File.WriteAllTextAsync(_files["ca.pem"], _authority.Pem, Patience.Token());
        using var itself = new TestAuthority("CN=alone");
        using var another = new TestAuthority("CN=another");
        var certificate = case_ switch
        {
            "expired" => _authority.Server(end: TestAuthority.Now.AddHours(-1)),
            "not yet" => _authority.Server(begin: TestAuthority.Now.AddHours(1)),
            "client's" => _authority.Client("CN=server"),
            "wrong host" => _authority.Server(host: "elsewhere.test"),
            "self-signed" => itself.Roots[0],
            "wrong authority" => another.Server(),
            _ => _authority.Server(),
        };
        TestAuthority.Write(certificate, _files["server.pem"], _files["server.key"]);
        var scheme = case_ == "plain" ? "http" : "https";
        await using var server = await SecureServer.StartAsync(
            new Server.Configuration.LoupeOptions { Tls = new Server.Configuration.TlsOptions { Certificate = _files["server.pem"], Key = _files["server.key"] } }, scheme);
        var url = $"https://{server.Server.Grpc.Authority}";

        var run = await ClientProcess.RunAsync($"\"$CLIENT\" info --server {url} --ca ca.pem --connect-timeout 0", _files.FullName);

        Assert.Equal(code, run.ExitCode);
        Assert.StartsWith(expected.Replace("URL", url, StringComparison.Ordinal), run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("gRPC", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("none", "it wants a certificate of its clients")]
    [InlineData("foreign", "it does not accept the certificate CN=gate-3, signed by CN=somebody else; it wants one of an authority that it believes (Loupe:Tls:ClientAuthority)")]
    [InlineData("expired", "it does not accept the certificate CN=gate-3, signed by CN=test root; it expired on DATE UTC")]
    public async Task Who_has_no_certificate_that_the_server_takes_is_refused_with_77(string which, string reason)
    {
        using var foreign = new TestAuthority("CN=somebody else");
        await File.WriteAllTextAsync(_files["ca.pem"], _authority.Pem, Patience.Token());
        TestAuthority.Write(_authority.Server(), _files["server.pem"], _files["server.key"]);
        var end = TestAuthority.Now.AddHours(which == "expired" ? -1 : 1);
        TestAuthority.Write(which == "foreign" ? foreign.Client("CN=gate-3") : _authority.Client("CN=gate-3", end), _files["own.pem"], _files["own.key"]);
        TestAuthority.Write(_authority.Client("CN=good"), _files["good.pem"], _files["good.key"]);
        await using var server = await SecureServer.StartAsync(
            new Server.Configuration.LoupeOptions
            {
                Tls = new Server.Configuration.TlsOptions
                {
                    Certificate = _files["server.pem"],
                    Key = _files["server.key"],
                    ClientCertificates = Server.Configuration.ClientCertificatePolicy.Require,
                    ClientAuthority = _files["ca.pem"],
                },
            },
            "https");
        var url = $"https://{server.Server.Grpc.Authority}";

        var own = which == "none" ? "" : " --cert own.pem --key-file own.key";
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" info --server {url} --ca ca.pem --connect-timeout 0{own}", _files.FullName);
        reason = reason.Replace("DATE", end.UtcDateTime.ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Equal((77, $"error: the server at {url} does not let us in: {reason}. Who we are: --key KEY or --cert FILE.\n"), (run.ExitCode, run.Error));
        run = await ClientProcess.RunAsync($"\"$CLIENT\" info --server {url} --ca ca.pem --cert good.pem --key-file good.key", _files.FullName);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    [Theory]
    [InlineData("--key @nowhere", "error: --key @nowhere cannot be read: ")]
    [InlineData("--key @", "error: --key @ names no file: it must be @FILE (--key or LOUPE_KEY)")]
    [InlineData("--key ''", "error: the key is empty, or has letters that no key has (--key or LOUPE_KEY)")]
    [InlineData("--ca nowhere", "error: --ca nowhere cannot be read: ")]
    [InlineData("--ca /etc/hostname", "error: --ca /etc/hostname cannot be used: it holds no certificate in PEM")]
    [InlineData("--key-file x", "error: --key-file is the key of a certificate: give that with --cert")]
    [InlineData("--header x", "error: --header is 'x': it must be NAME=VALUE")]
    [InlineData("--header grpc-status=0", "error: Headers: 'grpc-status' is a name of gRPC's own")]
    [InlineData("--header x=1 --header X=2", "error: --header x is given twice")]
    [InlineData("--key k --header authorization=k", "error: --header authorization=… and a key (--key or LOUPE_KEY) say the same thing twice: give one of them")]
    [InlineData("--server unix:socket", "error: the server's address is 'unix:socket': it must be http://HOST:PORT, https://HOST:PORT or unix:/PATH (--server or LOUPE_SERVER)")]
    public async Task Options_that_make_no_sense_are_wrong_usage(string options, string expected)
    {
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" info {options}", _files.FullName);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_without_a_server_is_told_by_its_path()
    {
        var run = await ClientProcess.RunAsync("\"$CLIENT\" info --server \"unix:$PWD/none.sock\" --connect-timeout 0", _files.FullName);
        Assert.Equal(69, run.ExitCode);
        Assert.StartsWith($"error: no LoupeGrpc server at unix:{_files["none.sock"]}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains($"(there is no socket {_files["none.sock"]})", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--ca ca.pem")]
    [InlineData("--insecure")]
    [InlineData("--cert own.pem --key-file own.key")]
    public async Task Options_of_tls_beside_an_address_without_it_are_said_to_be_unused(string options)
    {
        await File.WriteAllTextAsync(_files["ca.pem"], _authority.Pem, Patience.Token());
        TestAuthority.Write(_authority.Client("CN=gate-3"), _files["own.pem"], _files["own.key"]);
        var names = string.Join(", ", options.Split(' ').Where(static word => word.StartsWith("--", StringComparison.Ordinal)));
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" info --server http://127.0.0.1:1 --connect-timeout 0 {options}", _files.FullName);
        Assert.Equal($"warning: {names}: not used, http://127.0.0.1:1 does not speak TLS (https://)", Assert.Single(run.Error.Split('\n'), static line => line.StartsWith("warning", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_key_of_another_certificate_is_called_by_its_option()
    {
        TestAuthority.Write(_authority.Client("CN=one"), _files["one.pem"], _files["one.key"]);
        TestAuthority.Write(_authority.Client("CN=two"), _files["two.pem"], _files["two.key"]);
        var run = await ClientProcess.RunAsync("\"$CLIENT\" info --server https://127.0.0.1:1 --cert one.pem --key-file two.key", _files.FullName);
        Assert.Equal((2, "error: --key-file two.key cannot be used: it is damaged, or not the key of the certificate in one.pem\n"), (run.ExitCode, run.Error));
    }

    [Theory]
    [InlineData("server.key")]
    [InlineData("server.pem")]
    [InlineData("keys.json")]
    public async Task A_file_that_everybody_may_write_lets_nobody_in(string file)
    {
        var arguments = await SecureArgumentsAsync("https://127.0.0.1:0");
        SetMode(file, (UnixFileMode)0b110_110_110);
        var (code, output, error) = await RunServerAsync(arguments);
        Assert.Equal((2, string.Empty), (code, output));
        Assert.Contains($"{_files[file]}", Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.EndsWith($" may be written by everybody on this machine, who could let himself in: chmod o-w '{_files[file]}'.", error.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_others_may_read_or_a_group_write_is_warned_of_and_so_is_tls_that_is_not_spoken()
    {
        var arguments = await SecureArgumentsAsync("http://127.0.0.1:0");
        SetMode("server.key", (UnixFileMode)0b110_100_100);
        SetMode("keys.json", (UnixFileMode)0b110_110_000);
        // A link may be written by all; what it leads to counts.
        File.Move(_files["server.pem"], _files["real.pem"]);
        File.CreateSymbolicLink(_files["server.pem"], _files["real.pem"]);
        await using var server = ServerProcess.Start(["serve", "--operations", "http://127.0.0.1:0", .. arguments], ("XDG_CACHE_HOME", engine.CacheDirectory));
        Assert.StartsWith("ready ", await server.ReadLineAsync(), StringComparison.Ordinal);
        await server.SignalAsync("TERM");
        Assert.Equal(0, await server.ExitAsync());
        string[] warnings =
        [
            $"Loupe:Tls:Key, {_files["server.key"]}: everybody on this machine may read it: chmod o-r '{_files["server.key"]}'",
            $"Loupe:Security:Keys, {_files["keys.json"]}: its group may write it: chmod g-w '{_files["keys.json"]}'",
            "Not used, since no address is https:// (Loupe:Endpoints): Loupe:Tls:Certificate, Loupe:Tls:Key.",
        ];
        Assert.All(warnings, warning => Assert.Single(server.Error.Split('\n'), line => line.Contains("warn: ", StringComparison.Ordinal) && line.TrimEnd().EndsWith(warning, StringComparison.Ordinal)));
        Assert.DoesNotContain("server.pem:", server.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_revoked_is_said()
    {
        await AddKeyAsync("gate-3");
        var (code, output, error) = await RunAsync("key", "revoke", "--file", _files["keys.json"], "--name", "gate-3");
        Assert.Equal((0, string.Empty, $"the key of gate-3 is revoked: servers that read {_files["keys.json"]} end its sessions within seconds"), (code, output, error.Trim()));
        (code, output, error) = await RunAsync("key", "revoke", "--file", _files["keys.json"], "--name", "gate-3");
        Assert.Equal((1, string.Empty, $"error: gate-3 has no key in {_files["keys.json"]}"), (code, output, error.Trim()));
    }

    private void SetMode(string file, UnixFileMode mode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "files have no modes here");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_files[file], mode);
        }
    }

    private async Task<string[]> SecureArgumentsAsync(string listen)
    {
        TestAuthority.Write(_authority.Server(), _files["server.pem"], _files["server.key"]);
        SetMode("server.key", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await AddKeyAsync("gate-3");
        return
        [
            "--listen", listen, $"--Loupe:Tls:Certificate={_files["server.pem"]}", $"--Loupe:Tls:Key={_files["server.key"]}", $"--Loupe:Security:Keys={_files["keys.json"]}",
        ];
    }

    /// <summary>A camera that never ends.</summary>
    private static async Task SendAsync(Stream input, CancellationToken ended)
    {
        try
        {
            while (true)
            {
                await input.WriteAsync(new byte[64 * 64 * 3], ended);
                await input.FlushAsync(ended);
                await Task.Delay(50, ended);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Nobody reads it any more.
        }
    }

    private async Task<string> AddKeyAsync(string name)
    {
        var (code, output, error) = await RunAsync("key", "add", "--file", _files["keys.json"], "--name", name);
        Assert.Equal((0, string.Empty), (code, error.Trim()));
        return Key().Match(output) is { Success: true } shown ? shown.Groups[1].Value : throw new Xunit.Sdk.XunitException(output);
    }

    /// <param name="error">What is said to people; null: anything.</param>
    private async Task RunClientAsync(int code, string? error, string arguments, params (string Name, string Value)[] environment)
    {
        var run = await ClientProcess.RunAsync($"{string.Concat(environment.Select(static one => $"{one.Name}='{one.Value}' "))}\"$CLIENT\" {arguments}", _files.FullName);
        Assert.True(run.ExitCode == code, $"{arguments}: {run.ExitCode} {run.Error}");
        if (error is { Length: > 0 })
        {
            Assert.Equal(error, run.Error);
        }
    }

    private ServerProcess StartServer(IEnumerable<string> arguments) => ServerProcess.Start(["serve", .. arguments], ("XDG_CACHE_HOME", engine.CacheDirectory));

    private Task<(int Code, string Output, string Error)> RunServerAsync(params string[] arguments) =>
        ServerProcess.RunAsync(["serve", .. arguments], ("XDG_CACHE_HOME", engine.CacheDirectory));

    private static Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => ServerProcess.RunAsync(arguments);

    [GeneratedRegex(@"^ready (?<grpc>https?://127\.0\.0\.1:[1-9]\d*) operations=https?://127\.0\.0\.1:[1-9]\d* ")]
    private static partial Regex Ready();

    [GeneratedRegex(@"^key: (loupe_[A-Za-z0-9_-]{43})\n$")]
    private static partial Regex Key();
}
