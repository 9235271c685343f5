using System.Text.Json.Nodes;
using LoupeGrpc.FunctionalTests.Client;
using LoupeGrpc.FunctionalTests.Infrastructure;
using LoupeGrpc.Receipts;
using LoupeGrpc.Server.Security;

namespace LoupeGrpc.FunctionalTests.Receipts;

/// <summary>Receipts from `analyze` and `stream`, and `verify` on them, as programs, with the embedded model; tampered with on the way.</summary>
public sealed class VerifyTests(NanoEngine nano, SignedRun signed) : IClassFixture<SignedRun>, IAsyncLifetime
{
    private const int Pictures = 3;

    private readonly TemporaryDirectory _folder = new();
    private readonly Uri _address = signed.Address;

    public async ValueTask InitializeAsync()
    {
        var copied = await ClientProcess.RunAsync($"cp -a '{signed.Folder}/.' .", _folder.FullName);
        Assert.Equal(0, copied.ExitCode);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_was_found_holds_and_can_be_repeated()
    {
        var signed = await RunAsync(0, "verify receipts.jsonl --public-key receipts.key.pub");
        var repeated = await RunAsync(0, "verify receipts.jsonl --public-key receipts.key.pub --picture photos --server $LOUPE_SERVER --json");

        Assert.Equal(Pictures + 1, signed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(static line => line.StartsWith("holds ", StringComparison.Ordinal)));
        Assert.Contains("4 receipts: 4 hold", signed.Error, StringComparison.Ordinal);
        Assert.Equal([.. Enumerable.Repeat("repeated, equal", Pictures), null], repeated.Lines.Select(static line => (string?)line["remarks"]!.AsArray().SingleOrDefault()));
        Assert.All(repeated.Lines, static line => Assert.Equal("HOLDS", (string?)line["status"]));
        Assert.Equal("photos/authentic-coffee.jpg", (string?)repeated.Lines[0]["picture"]);
    }

    /// <summary>Who does not believe us takes another program.</summary>
    [Fact]
    public async Task OpenSSL_confirms_the_signature()
    {
        var envelope = JsonNode.Parse((await File.ReadAllLinesAsync(_folder["receipts.jsonl"], TestContext.Current.CancellationToken))[0])!;
        var payload = Convert.FromBase64String((string)envelope["payload"]!);
        await File.WriteAllBytesAsync(_folder["signed"], ReceiptEnvelope.Encode((string)envelope["payloadType"]!, payload), TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(_folder["signature"], Convert.FromBase64String((string)envelope["signatures"]![0]!["sig"]!), TestContext.Current.CancellationToken);
        var checkedByThem = await ClientProcess.RunAsync("openssl pkeyutl -verify -pubin -inkey receipts.key.pub -rawin -in signed -sigfile signature", _folder.FullName);
        Assert.Equal((0, "Signature Verified Successfully\n"), (checkedByThem.ExitCode, checkedByThem.Output));

        // And makes keys that the server takes.
        await ClientProcess.RunAsync("umask 077; openssl genpkey -algorithm ed25519 -out theirs.key && openssl pkey -in theirs.key -pubout -out theirs.pub", _folder.FullName);
        using var theirs = ReceiptKeyFile.Read(_folder["theirs.key"]);
        Assert.True(ReceiptPublicKey.TryRead(await File.ReadAllTextAsync(_folder["theirs.pub"], TestContext.Current.CancellationToken), out var open));
        Assert.Equal(open.Id, theirs.PublicKey.Id);
    }

    /// <summary>Each in its own way, of the file: lines are counted from 1.</summary>
    [Theory]
    [InlineData("sed -i 2d receipts.jsonl", "receipt 1 is missing")]
    [InlineData("sed -i 1d receipts.jsonl", "receipt 0 is missing")]
    [InlineData("sed -i 3d receipts.jsonl", "receipt 2 is missing")]
    [InlineData("sed -i '2s/\"sig\":\"./\"sig\":\"#/' receipts.jsonl", "receipts.jsonl:2  the line is no receipt")]
    [InlineData("sed -i '1s/.\\{9\\}$//' receipts.jsonl", "receipts.jsonl:1  the line is no receipt")]
    [InlineData("echo 'no receipt' >> receipts.jsonl", "receipts.jsonl:5  the line is no receipt")]
    [InlineData("sed -i '2s/\"payload\":\"eyJ/\"payload\":\"eyB/' receipts.jsonl", "receipts.jsonl:2")]
    [InlineData("openssl genpkey -algorithm ed25519 -out k && openssl pkey -in k -pubout -out receipts.key.pub", "it is not signed by the key")]
    [InlineData("head -c 200000 /dev/zero >> receipts.jsonl", "no receipt is that long")]
    public async Task What_was_tampered_with_shows(string how, string found)
    {
        await ClientProcess.RunAsync(how, _folder.FullName);
        var run = await RunAsync(11, "verify receipts.jsonl --public-key receipts.key.pub");
        Assert.Contains(found, run.Output, StringComparison.Ordinal);
        Assert.Contains("differs ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_picture_that_was_changed_has_no_receipt()
    {
        await File.AppendAllTextAsync(_folder["photos", "authentic-rocket.png"], "x", TestContext.Current.CancellationToken);
        var run = await RunAsync(11, "verify receipts.jsonl --public-key receipts.key.pub --picture photos/*");
        Assert.Contains("differs   picture photos/authentic-rocket.png: no receipt is of these bytes", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("verify receipts.jsonl", "--public-key FILE says whom to believe")]
    [InlineData("verify <(sed '$d' receipts.jsonl) --public-key receipts.key.pub", "cannot be read")]
    [InlineData("sh -c 'sed \\$d receipts.jsonl > cut.jsonl'; \"$CLIENT\" verify cut.jsonl --public-key receipts.key.pub", "it has no end: receipts behind number 2 may be missing")]
    [InlineData("verify receipts.jsonl --public-key receipts.key.pub --picture not-there.jpg", "there is nothing at this path")]
    [InlineData("verify not-there.jsonl --public-key receipts.key.pub", "not-there.jsonl cannot be read")]
    [InlineData("verify /dev/null --public-key receipts.key.pub", "/dev/null cannot be read")]
    public async Task What_cannot_be_told_is_not_called_good(string arguments, string said)
    {
        var run = arguments.StartsWith("sh ", StringComparison.Ordinal)
            ? await ClientProcess.RunAsync(arguments, _folder.FullName, _address)
            : await ClientProcess.RunAsync($"\"$CLIENT\" {arguments}", _folder.FullName, _address);
        Assert.Equal((20, true), (run.ExitCode, (run.Output + run.Error).Contains(said, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_servers_own_key_is_taken_with_a_word_on_it()
    {
        var run = await RunAsync(0, "verify receipts.jsonl --server $LOUPE_SERVER");
        Assert.Contains("names for itself", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_adapted_is_repeated_from_its_pictures()
    {
        await RunAsync(10, "stream photos --adapt --receipts adapted.jsonl --format jsonl --mask always");
        var all = await RunAsync(0, "verify adapted.jsonl --public-key receipts.key.pub --picture photos --server $LOUPE_SERVER --json");
        Assert.Equal(Enumerable.Repeat("repeated, equal", Pictures), all.Lines.Take(Pictures).Select(static line => (string?)line["remarks"]!.AsArray().SingleOrDefault()));
        var alone = await RunAsync(20, "verify adapted.jsonl --public-key receipts.key.pub --picture photos/forged-cat-inpainted.png --server $LOUPE_SERVER");
        Assert.Contains("what it had learnt needs the picture of each frame before", alone.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tiles_of_several_frames_are_not_repeated_from_one_picture_and_that_is_said()
    {
        await RunAsync(10, "stream photos --tiles native --tiles-per-frame 2 --tile-window 2 --receipts tiles.jsonl --format jsonl --mask always");
        var run = await RunAsync(20, "verify tiles.jsonl --public-key receipts.key.pub --picture photos --server $LOUPE_SERVER");
        Assert.Contains("tiles of several frames (tiles_per_frame), which one picture alone does not give", run.Output, StringComparison.Ordinal);
        Assert.Contains("4 hold", (await RunAsync(0, "verify tiles.jsonl --public-key receipts.key.pub --picture photos")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_goes_on_keeps_the_receipts_of_the_one_before_and_drops_half_a_line()
    {
        await RunAsync(0, "analyze photos/authentic-coffee.jpg --skip-done --output out --receipts two.jsonl --format jsonl");
        await File.AppendAllTextAsync(_folder["two.jsonl"], "{\"payload\":\"eyJf", TestContext.Current.CancellationToken);
        await RunAsync(10, "analyze photos --skip-done --output out --receipts two.jsonl --format jsonl");
        var run = await RunAsync(0, "verify two.jsonl --public-key receipts.key.pub --picture photos");
        Assert.Contains("5 receipts: 5 hold", run.Error, StringComparison.Ordinal);

        // What was done without them, or with others, has none here.
        await RunAsync(10, "analyze photos --skip-done --output out --receipts other.jsonl --format jsonl");
        Assert.Contains("4 receipts: 4 hold", (await RunAsync(0, "verify other.jsonl --public-key receipts.key.pub --picture photos")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_a_key_leaves_older_receipts_as_they_are()
    {
        await using var keyless = ServerProcess.Serve(nano);
        var address = await keyless.ReadyAsync();
        var before = await File.ReadAllBytesAsync(_folder["receipts.jsonl"], TestContext.Current.CancellationToken);
        var run = await ClientProcess.RunAsync("\"$CLIENT\" analyze photos --receipts receipts.jsonl", _folder.FullName, address);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("Loupe:Receipts:Key", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(_folder["receipts.jsonl"], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_full_disk_is_told_and_counts()
    {
        var run = await ClientProcess.RunAsync("\"$CLIENT\" analyze photos/authentic-coffee.jpg --receipts /dev/full --format jsonl", _folder.FullName, _address);
        Assert.Equal(20, run.ExitCode);
        Assert.Contains("/dev/full does not have all receipts", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Lines);
    }

    [Theory]
    [InlineData("nothing.key", "cannot be read")]
    [InlineData("receipts.key.pub", "holds no Ed25519 private key")]
    [InlineData("open.key", "chmod o-rwx")]
    [InlineData("pipe.key", "holds no Ed25519 private key")]
    [InlineData("photos", "is a folder")]
    public async Task A_key_that_is_none_stops_the_start_with_its_setting(string file, string why)
    {
        await ClientProcess.RunAsync("mkfifo -m 600 pipe.key && cp receipts.key open.key && chmod 644 open.key && chmod 600 receipts.key.pub", _folder.FullName);
        var run = await ServerProcess.RunAsync(["serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", $"--Loupe:Receipts:Key={_folder[file]}"]);
        Assert.Equal(2, run.Code);
        Assert.Contains("Loupe:Receipts:Key: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(why, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_never_written_over()
    {
        var before = await File.ReadAllBytesAsync(_folder["receipts.key"], TestContext.Current.CancellationToken);
        var again = await ServerProcess.RunAsync(["key", "sign", "--output", _folder["receipts.key"]]);
        Assert.Equal(1, again.Code);
        Assert.Equal(before, await File.ReadAllBytesAsync(_folder["receipts.key"], TestContext.Current.CancellationToken));
        Assert.Equal("600\n", (await ClientProcess.RunAsync("stat -c %a receipts.key", _folder.FullName)).Output);

        // With its public half in the way there is no private one either.
        await File.WriteAllTextAsync(_folder["new.key.pub"], "mine", TestContext.Current.CancellationToken);
        Assert.Equal(1, (await ServerProcess.RunAsync(["key", "sign", "--output", _folder["new.key"]])).Code);
        Assert.False(File.Exists(_folder["new.key"]));
    }

    private async Task<CliRun> RunAsync(int expected, string arguments)
    {
        var run = await ClientProcess.RunAsync($"\"$CLIENT\" {arguments}", _folder.FullName, _address);
        Assert.True(run.ExitCode == expected, $"{arguments}: {run.ExitCode}\n{run.Output}\n{run.Error}");
        return run;
    }
}
