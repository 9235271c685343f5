using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Receipts;

namespace LoupeGrpc.Client.Cli.Verifying;

/// <summary>From files of receipts to what holds of them.</summary>
/// <param name="json">Lines are for programs.</param>
internal sealed class Verification(CliHost host, bool json)
{
    /// <param name="keys">To be believed. None: that which the server names.</param>
    /// <param name="pictures">Of which receipts are to be.</param>
    /// <param name="server">That repeats the analyses; null: none does.</param>
    public async Task<ExitCode> RunAsync(
        IReadOnlyList<string> files, IReadOnlyList<ReceiptPublicKey> keys, IReadOnlyList<SourceItem> pictures, LoupeClientOptions? server)
    {
        var receipts = files.SelectMany(file => ReceiptFiles.Read(file, host)).ToList();
        if (receipts.Count == 0)
        {
            throw new CliException($"no receipts in {string.Join(", ", files)}", ExitCode.SomeFailed);
        }

        using var client = server is null ? null : await LoupeClient.ConnectAsync(server, host.Interrupt);
        var info = client is null ? null : await client.GetServerInfoAsync(host.Interrupt);
        if (keys.Count == 0 && info?.ReceiptKey is { } offered && ReceiptPublicKey.TryRead(offered.PublicKey.Span, out var own))
        {
            Tell($"note: signatures are checked with the key that {ServerOptions.Show(client!.Address)} names for itself ({own.Id}); --public-key FILE is proof to others too");
            keys = [own];
        }

        CheckSignatures(receipts, keys);
        foreach (var one in receipts.Where(static one => one.Receipt?.Link.Follows is not null))
        {
            one.Add(CheckResult.Holds, $"here its session goes on after a server was lost: what that signed behind chain {one.Receipt!.Link.Follows!.Id} is not known");
        }

        var found = new List<Remark>();
        foreach (var finding in ChainCheck.Examine(receipts.Where(static one => one.Result != CheckResult.Differs).Select(static one => one.Receipt).OfType<Receipt>()))
        {
            found.Add(new Remark(
                finding.IsBroken ? CheckResult.Differs : CheckResult.Unchecked,
                $"chain {finding.Id[..Math.Min(8, finding.Id.Length)]} of {(finding.Session is { } session ? $"session {session.Id}" : "a single picture")}",
                finding.Message));
        }

        await MatchAsync(receipts, pictures, found);
        if (client is not null)
        {
            await new Repetition(client, info!.Models).RunAsync(receipts, host.Interrupt);
        }

        return await ShowAsync(receipts, found);
    }

    private static void CheckSignatures(IReadOnlyList<CheckedReceipt> receipts, IReadOnlyList<ReceiptPublicKey> keys)
    {
        foreach (var one in receipts)
        {
            if (one.Receipt is not { } receipt)
            {
                continue;
            }

            if (keys.Count == 0)
            {
                one.Add(CheckResult.Unchecked, "its signature is not checked: --public-key FILE says whom to believe");
            }
            else if (receipt.SignerAmong(keys) is null)
            {
                one.Add(CheckResult.Differs, keys.Count == 1 ? $"it is not signed by the key {keys[0].Id[..8]}…, or was changed since" : "it is signed by none of the keys, or was changed since");
            }
        }
    }

    private async Task MatchAsync(IReadOnlyList<CheckedReceipt> receipts, IReadOnlyList<SourceItem> pictures, List<Remark> found)
    {
        var byDigest = new Dictionary<string, string>(StringComparer.Ordinal);
        var known = receipts.Where(static one => one.IsGood).ToLookup(static one => one.Receipt!.SubjectSha256, StringComparer.Ordinal);
        foreach (var item in pictures)
        {
            host.Interrupt.ThrowIfCancellationRequested();
            if (item is UnreadableItem unreadable)
            {
                found.Add(new Remark(CheckResult.Unchecked, $"picture {item.Path}", unreadable.Message));
                continue;
            }

            try
            {
                var file = ((FileItem)item).File;
                // A disk that does not answer must not hold up who gives up waiting.
                var digest = await Task.Run(() => ReceiptFiles.DigestOf(file), CancellationToken.None).WaitAsync(host.Interrupt);
                byDigest.TryAdd(digest, file);
                if (!known.Contains(digest))
                {
                    found.Add(new Remark(CheckResult.Differs, $"picture {item.Path}", $"no receipt is of these bytes (SHA-256 {digest})"));
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                found.Add(new Remark(CheckResult.Unchecked, $"picture {item.Path}", $"it cannot be read: {error.Message}"));
            }
        }

        foreach (var one in receipts.Where(static one => one.IsGood))
        {
            one.Picture = byDigest.GetValueOrDefault(one.Receipt!.SubjectSha256);
        }
    }

    private async Task<ExitCode> ShowAsync(IReadOnlyList<CheckedReceipt> receipts, IReadOnlyList<Remark> found)
    {
        await using (var output = host.CreateTextOutput())
        {
            foreach (var line in receipts.Select(one => json ? VerificationText.Json(one) : VerificationText.Line(one)).Concat(found.Select(one => json ? VerificationText.Json(one) : VerificationText.Line(one))))
            {
                await output.WriteLineAsync(json ? line : Printable.Text(line));
            }
        }

        var results = receipts.Select(static one => one.Result).Concat(found.Select(static one => one.Result)).ToList();
        Tell(VerificationText.Summary(receipts));
        return results.Max() switch
        {
            CheckResult.Holds => ExitCode.NothingFound,
            CheckResult.Differs => ExitCode.Differs,
            _ => ExitCode.SomeFailed,
        };
    }

    private void Tell(string line) => host.Error.WriteLine(Printable.Text(line));
}

/// <summary>What was found out about something that is no receipt: a chain, a picture.</summary>
/// <param name="Of">What it is about, for people.</param>
internal sealed record Remark(CheckResult Result, string Of, string Message);
