using System.Globalization;
using System.Text.Json;
using LoupeGrpc.Files;

namespace LoupeGrpc.Server.Security;

/// <summary>The file of keys, as JSON. It is written whole or not at all, by one writer at a time, for its owner alone, and it stays whose it was.</summary>
internal static class KeyFile
{
    private const int Version = 1;

    /// <summary>Tens of thousands of keys.</summary>
    private const int MaxBytes = 16 << 20;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <exception cref="InvalidDataException">It is not there, cannot be read, or is not a file of keys; the message is a phrase that names it.</exception>
    public static IReadOnlyList<AccessKey> Read(string path)
    {
        try
        {
            var bytes = NamedFile.Read(path, MaxBytes);
            return FileGuard.Danger(path) is { } danger ? throw new InvalidDataException($"{path} {danger}") : Parse(path, bytes);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException($"{path} is not there: 'loupe-grpc-server key add --file {path} --name NAME' makes one", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path} cannot be read: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    /// <summary>Makes the file where there is none. Where a link leads to it, it is the file that changes: servers may read it by its own name.</summary>
    /// <param name="change">Gets the keys there are, and gives those there shall be. What it throws leaves the file as it is.</param>
    /// <exception cref="InvalidDataException">There is a file, and it is not a file of keys.</exception>
    /// <exception cref="IOException">It cannot be written, or somebody else writes it all the time.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static async Task ChangeAsync(string path, TimeProvider time, Func<IReadOnlyList<AccessKey>, IReadOnlyList<AccessKey>> change, CancellationToken cancellationToken)
    {
        path = FileOf(Path.GetFullPath(path));
        using var held = await LockAsync($"{path}.lock", time, cancellationToken).ConfigureAwait(false);
        var keys = change(File.Exists(path) ? Read(path) : []);
        AtomicFile.Sweep(Path.GetDirectoryName(path)!);
        using var file = new AtomicFile(path, ModeOf(path));
        await JsonSerializer.SerializeAsync(file.Content, new Content(Version, keys), Json, cancellationToken).ConfigureAwait(false);
        file.Content.WriteByte((byte)'\n');
        file.Commit();
    }

    /// <summary>For its owner alone; a group that may read the file that there is may go on reading it: the server's, where the file is root's.</summary>
    private static UnixFileMode ModeOf(string path) =>
        OperatingSystem.IsWindows() || !File.Exists(path) ? OwnerOnly : OwnerOnly | (File.GetUnixFileMode(path) & UnixFileMode.GroupRead);

    private static string FileOf(string path) =>
        new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private static IReadOnlyList<AccessKey> Parse(string path, byte[] bytes)
    {
        Content? content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(bytes, Json);
        }
        catch (JsonException exception)
        {
            // The parser speaks of tokens and types, which nobody has written who changed the file by hand.
            var where = exception.LineNumber is { } line ? string.Create(CultureInfo.InvariantCulture, $", from line {line + 1} on") : string.Empty;
            throw new InvalidDataException(
                $"{path} is not a file of keys, or only half of one{where}: mend that line, put a copy back, or remove the file and make keys anew with 'loupe-grpc-server key add'",
                exception);
        }

        if (content is not { Version: Version, Keys: { } keys })
        {
            throw new InvalidDataException($"{path} has version {content?.Version ?? 0} of the file of keys, this server reads {Version}");
        }

        var problem = keys.Select(static key => key is null ? "a key is null" : key.Problem()).FirstOrDefault(static problem => problem is not null)
            ?? (keys.DistinctBy(static key => key.Name).Count() < keys.Count ? "two keys have one name" : null)
            ?? (keys.DistinctBy(static key => key.Hash).Count() < keys.Count ? "two names have one key" : null);
        return problem is null ? keys : throw new InvalidDataException($"{path} is not a file of keys: {problem}");
    }

    /// <summary>Beside the file, which is replaced and so cannot be locked itself. It stays there, empty: who deletes it may delete another's.</summary>
    private static async Task<FileStream> LockAsync(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return CreateLock(path);
            }
            catch (IOException exception) when (exception is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
            {
                if (time.GetElapsedTime(started) > LockPatience)
                {
                    throw new IOException($"{path} is held by another program that changes the keys: {exception.Message}", exception);
                }
            }

            await Task.Delay(LockPause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>For its owner alone, and for one program at a time.</summary>
    private static FileStream CreateLock(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }

    private sealed record Content(int Version, IReadOnlyList<AccessKey> Keys);
}
