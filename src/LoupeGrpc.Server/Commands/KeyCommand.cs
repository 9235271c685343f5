using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Server.Security;

namespace LoupeGrpc.Server.Commands;

/// <summary><c>key</c>: who has a key to the server. A server that runs takes over what is changed here within seconds.</summary>
internal static class KeyCommand
{
    public static Command Create()
    {
        var command = new Verb(
            "key",
            "Gives keys to clients, lists them, takes them back; makes the key that signs receipts.",
            """
            Keys stand in a file, as hashes: what is shown once is kept nowhere. The server reads it (Loupe:Security:Keys) and reads it anew when it
            changes; sessions of a key that is revoked end within seconds. Make the file as the user that the server runs as: it is for its owner alone, and
            stays whose it is when root changes it.
            Exit codes: 0 done, 1 could not be done, 2 wrong usage.

            Example:
              loupe-grpc-server key add --file keys.json --name gate-3 --sessions 2
              loupe-grpc-server key add --file keys.json --name prometheus --role observe
              loupe-grpc-server key revoke --file keys.json --name gate-3

            `key sign` makes another kind of key: the server signs receipts with it (Loupe:Receipts:Key), and loupe-grpc-client verify checks them with
            the public half. Whoever has the private one can sign in the server's name; a copy of the public one belongs to those who check.

            Example:
              loupe-grpc-server key sign --output receipts.key
              loupe-grpc-server serve --Loupe:Receipts:Key=receipts.key
            """);
        command.Add(Add());
        command.Add(List());
        command.Add(Revoke());
        command.Add(Sign());
        return command;
    }

    private static Command Add()
    {
        var (file, name) = (File(), Name());
        var role = new Option<string>("--role")
        {
            HelpName = "ROLE",
            Description = "What it may do: analyse, observe (metrics and /info), or admin (everything).",
            DefaultValueFactory = static _ => Role.Analyse.Word(),
        }.AcceptOnlyFromAmong([.. Enum.GetValues<Role>().Select(static role => role.Word())]);
        var sessions = new Option<int?>("--sessions") { HelpName = "N", Description = "Sessions that it may have open at a time. Default: as the server's settings say." };
        sessions.Validators.Add(static result => Check(result, result.GetValueOrDefault<int?>() >= 1, "--sessions must be 1 or more."));
        var rate = new Option<double?>("--frames-per-second") { HelpName = "X", Description = "Frames a second of all its sessions. Default: as the server's settings say." };
        rate.Validators.Add(static result => Check(result, result.GetValueOrDefault<double?>() is > 0 and < double.PositiveInfinity, "--frames-per-second must be more than 0."));
        var command = new Command("add", "Makes a key and shows it, once.") { file, name, role, sessions, rate };
        command.SetAction((result, cancellationToken) => RunAsync(result, async () =>
        {
            var secret = AccessKey.NewSecret();
            var key = new AccessKey(
                result.GetRequiredValue(name), result.GetRequiredValue(role), AccessKey.HashOf(secret), Now(), result.GetValue(sessions), result.GetValue(rate));
            await KeyFile.ChangeAsync(result.GetRequiredValue(file), TimeProvider.System, keys =>
            {
                if (keys.Any(other => other.Name == key.Name))
                {
                    throw new InvalidDataException($"{key.Name} has a key already: revoke that one first, or choose another name");
                }

                // Before it is kept: a key that nobody saw is of no use, and its name would be taken.
                result.InvocationConfiguration.Output.WriteLine($"key: {secret}");
                result.InvocationConfiguration.Output.Flush();
                return [.. keys, key];
            }, cancellationToken).ConfigureAwait(false);
        }));
        return command;
    }

    private static Command List()
    {
        var file = File();
        var json = new Option<bool>("--json") { Description = "One JSON array instead of lines." };
        var command = new Command("list", "Shows who has a key.") { file, json };
        command.SetAction((result, _) => RunAsync(result, async () =>
        {
            var keys = KeyFile.Read(result.GetRequiredValue(file));
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                await output.WriteLineAsync(JsonSerializer.Serialize(
                    keys.Select(static key => new { key.Name, key.Role, key.Added, key.Sessions, key.FramesPerSecond }), JsonSerializerOptions.Web)).ConfigureAwait(false);
                return;
            }

            foreach (var key in keys)
            {
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{key.Name,-24} {key.Role,-8} {key.Added:yyyy-MM-dd}{Limit(key.Sessions, "sessions")}{Limit(key.FramesPerSecond, "frames/s")}")).ConfigureAwait(false);
            }
        }));
        return command;
    }

    private static Command Revoke()
    {
        var (file, name) = (File(), Name());
        var command = new Command("revoke", "Takes a key back: its sessions end.") { file, name };
        command.SetAction((result, cancellationToken) => RunAsync(result, async () =>
        {
            var path = result.GetRequiredValue(file);
            var revoked = result.GetRequiredValue(name);
            if (!System.IO.File.Exists(path))
            {
                throw new InvalidDataException($"{path} is not there");
            }

            await KeyFile.ChangeAsync(path, TimeProvider.System, keys =>
                keys.Any(key => key.Name == revoked) ? [.. keys.Where(key => key.Name != revoked)] : throw new InvalidDataException($"{revoked} has no key in {path}"),
                cancellationToken).ConfigureAwait(false);
            await result.InvocationConfiguration.Error.WriteLineAsync(
                $"the key of {revoked} is revoked: servers that read {path} end its sessions within seconds").ConfigureAwait(false);
        }));
        return command;
    }

    private static Command Sign()
    {
        var output = new Option<string>("--output")
        {
            HelpName = "FILE",
            Description = "Where the private key goes, for its owner alone; the public one goes to FILE.pub. Neither may be there.",
            Required = true,
        };
        var command = new Command("sign", "Makes the key that signs receipts: Ed25519, in PEM.") { output };
        command.SetAction((result, _) => RunAsync(result, async () =>
        {
            var path = result.GetRequiredValue(output);
            var key = ReceiptKeyFile.Create(path);
            await result.InvocationConfiguration.Output.WriteLineAsync($"key id: {key.Id}").ConfigureAwait(false);
            await result.InvocationConfiguration.Error.WriteLineAsync(
                $"{path} signs: set Loupe:Receipts:Key to it. {ReceiptKeyFile.PublicPathOf(path)} checks: give it to those who run loupe-grpc-client verify").ConfigureAwait(false);
        }));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, Func<Task> run)
    {
        try
        {
            await run().ConfigureAwait(false);
            return ExitCode.Success;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            await result.InvocationConfiguration.Error.WriteLineAsync($"error: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Failure;
        }
    }

    private static Option<string> File() => new("--file") { HelpName = "FILE", Description = "The file of keys; made where there is none.", Required = true };

    private static Option<string> Name()
    {
        var name = new Option<string>("--name") { HelpName = "NAME", Description = "Whose key it is, for logs: letters, digits and . _ - @.", Required = true };
        name.Validators.Add(static result => Check(
            result, AccessKey.IsName(result.GetValueOrDefault<string>()), $"--name must have 1 to {AccessKey.MaxNameLength} letters, digits and . _ - @."));
        return name;
    }

    private static void Check(OptionResult result, bool holds, string message)
    {
        if (!holds)
        {
            result.AddError(message);
        }
    }

    private static string Limit(IFormattable? limit, string unit) => limit is null ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"  {limit} {unit}");

    /// <summary>To the second: it is for people.</summary>
    private static DateTimeOffset Now()
    {
        var now = TimeProvider.System.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond));
    }
}
