using System.CommandLine;
using LoupeGrpc.Client.Cli.CommandLine;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs;
using LoupeGrpc.Client.Cli.Verifying;

namespace LoupeGrpc.Client.Cli.Commands;

/// <summary>`verify RECEIPTS…`: whether verdicts hold that were given before.</summary>
internal static class VerifyCommand
{
    public const string Lesson = """
        Examples:
          loupe-grpc-client verify receipts.jsonl --public-key receipts.key.pub
          loupe-grpc-client verify receipts.jsonl --public-key receipts.key.pub --picture holiday.jpg
          loupe-grpc-client verify receipts.jsonl --public-key receipts.key.pub --picture photos/ --server http://127.0.0.1:5005

        Receipts come from `analyze` and `stream` with --receipts FILE, from a server that has a key for them (Loupe:Receipts:Key).

        Checked is, in this order:
          the signature    by one of the keys of --public-key; without one, by the key that the server of --server names, which proves
                           nothing to who does not trust that server already
          the chain        the receipts of a session name each the one before it: one that was taken out, put in or changed shows, and the
                           last one says that none follows
          the pictures     those of --picture are what receipts are of, byte for byte
          the analysis     with --server: it analyses the pictures again, with the model (by its hash) and the settings of the receipt, and
                           its answer is equal, equal within the tolerance of other hardware, or not. A picture of a session that
                           adapted needs those of all frames before it.

        A line for each receipt says what was found: `holds`, `differs`, or `unchecked` where something could not be told. --json has one object a
        line: {"file","line","status","session","sequence","frame_id","score","verdict","model","time","picture","remarks":[…]}.

        Exit codes:
          0    all hold
          11   something differs or is forged
          20   something could not be checked (11 wins)
          2    wrong usage
          69   server unreachable
          70   internal error
          77   the server does not let us in: --key, --cert
          130  interrupted
        """;

    public static Command Create(CliHost host)
    {
        var files = new Argument<string[]>("RECEIPTS")
        {
            Description = "Files of receipts, one a line; - is standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var keys = new Option<string[]>("--public-key")
        {
            Description = "Whose receipts to believe: the file that ends in .pub of `loupe-grpc-server key sign`. May be repeated.",
            HelpName = "FILE",
        };
        var pictures = new Option<string[]>("--picture")
        {
            Description = "A picture that receipts are of: a file, a folder or a pattern. May be repeated.",
            HelpName = "PATH",
            AllowMultipleArgumentsPerToken = true,
        };
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of lines for people." };
        var server = new ServerOptions(host);
        var command = new Command("verify", "Check receipts: signatures, chains, pictures; repeat the analysis.") { files, keys, pictures, json };
        server.AddTo(command);
        command.SetAction(async (result, _) =>
        {
            var client = server.Read(result);
            var given = result.GetValue(pictures) ?? [];
            var items = await Task.Run(() => PathExpander.Expand(given, cancellationToken: host.Interrupt), CancellationToken.None).WaitAsync(host.Interrupt);
            return (int)await new Verification(host, result.GetValue(json)).RunAsync(
                result.GetRequiredValue(files),
                [.. (result.GetValue(keys) ?? []).Select(ReceiptFiles.ReadKey)],
                items,
                ServerOptions.IsNamed(result.CommandResult) ? client : null);
        });
        return command;
    }
}
