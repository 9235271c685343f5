using System.Text.RegularExpressions;
using LoupeGrpc.Client.Cli.Files;
using LoupeGrpc.Client.Cli.Hosting;
using LoupeGrpc.Client.Cli.Inputs.Video;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Opens the SOURCE of `stream`. What cannot be opened becomes a source with one failed item.</summary>
/// <param name="sampling">Which frames are taken.</param>
/// <param name="video">How videos, cameras and network streams are read.</param>
/// <param name="keepFrames">Each frame gets pixels of its own.</param>
/// <param name="notify">Tells people what happens to the source.</param>
internal sealed partial class StreamSourceFactory(SamplingOptions sampling, VideoOptions video, bool keepFrames, Action<string> notify)
{
    /// <summary>A wrong address should fail soon; one that once worked is tried for ever.</summary>
    private const int FirstRetries = 2;

    /// <summary>How ffprobe writes that a container names no codec.</summary>
    private const string NoTag = "[0][0][0][0]";

    /// <summary>What standard input carries when it is raw pixels; null for a container.</summary>
    public RawLayout? Raw { get; init; }

    /// <summary>Standard input, where <see cref="Raw"/> is read from.</summary>
    public Stream Input { get; init; } = Stream.Null;

    public async Task<FrameSource> OpenAsync(SourceAddress address, CancellationToken cancellationToken)
    {
        try
        {
            return address switch
            {
                SourceAddress.Camera camera => await OpenCameraAsync(camera, cancellationToken),
                SourceAddress.Network network => await OpenNetworkAsync(network, cancellationToken),
                SourceAddress.Local local => await OpenLocalAsync(local, cancellationToken),
                SourceAddress.StandardInput when Raw is { } raw => new RawSource(Input, raw, keepFrames, video.ReadTimeout, sampling, notify),
                SourceAddress.StandardInput => await OpenRecordingAsync(VideoInput.OfStandardInput(), "stdin", cancellationToken),
                _ => throw new InvalidOperationException($"Unknown kind of source: {address.Label}."),
            };
        }
        catch (ProgramUnavailableException error)
        {
            return Unreadable(address.Label, LoupeFailureCode.Unreadable, error.Message);
        }
    }

    private async Task<FrameSource> OpenCameraAsync(SourceAddress.Camera camera, CancellationToken cancellationToken)
    {
        var device = $"/dev/video{camera.Index}";
        if (!Path.Exists(device))
        {
            return Unreadable(camera.Label, LoupeFailureCode.NotFound, $"no such camera: there is no {device}");
        }

        var input = VideoInput.OfCamera(camera.Label, device);
        var tools = await VideoTools.FindAsync(cancellationToken);
        var reader = await VideoReader.OpenAsync(Start, cancellationToken);
        return reader.Failure is { } failure
            ? Unreadable(camera.Label, LoupeFailureCode.Unreadable, $"the camera cannot be opened: {failure}")
            : new LiveSource(reader, input, Start, sampling, notify);

        VideoReader Start() => VideoReader.Start(tools, input, VideoPromise.Unknown, isLive: true, keepFrames, video, sampling);
    }

    private async Task<FrameSource> OpenNetworkAsync(SourceAddress.Network network, CancellationToken cancellationToken)
    {
        if (VideoInput.OfNetwork(network, video) is not { } input)
        {
            return Unreadable(
                network.Label, LoupeFailureCode.Unreadable, $"no file has this name, and it is not an address of a kind that can be read: {VideoInput.Schemes}");
        }

        var tools = await VideoTools.FindAsync(cancellationToken);
        var promise = VideoPromise.Unknown;
        if (input.IsProbed)
        {
            (var found, var failure) = await ProbeAsync(tools, input, cancellationToken);
            if (found is null)
            {
                return CannotBeOpened(network.Label, failure!);
            }

            promise = found;
            if (promise.Format == "mpjpeg")
            {
                // Such a stream carries no times: those of its arrival are the best there are.
                input = input.With("-use_wallclock_as_timestamps", "1");
            }
        }

        var reader = await LiveSource.Reopening<VideoReader>(FirstRetries, sampling.Time, opened => !opened.HasTimedOut && opened.Failure is { } failure && IsTransient(failure))
            .ExecuteAsync(async token => await VideoReader.OpenAsync(Start, token), cancellationToken);
        if (reader.Failure is { } reason)
        {
            return reader.MissingDecoder is null ? CannotBeOpened(network.Label, reason) : NotOpened(network.Label, reader, promise);
        }

        return promise.IsFinite || reader.Duration is not null
            ? new RecordingSource(reader, promise, network.Label, input.Host ?? "stream", sampling, notify)
            : new LiveSource(reader, input, Start, sampling, notify);

        VideoReader Start() => VideoReader.Start(tools, input, promise, isLive: !promise.IsFinite, keepFrames, video, sampling);
    }

    /// <summary>As patient as opening is.</summary>
    private async Task<(VideoPromise? Promise, string? Failure)> ProbeAsync(VideoTools tools, VideoInput input, CancellationToken cancellationToken) =>
        await LiveSource.Reopening<(VideoPromise? Promise, string? Failure)>(FirstRetries, sampling.Time, answer => answer.Failure is { } failure && IsTransient(failure))
            .ExecuteAsync(async token => await VideoProbe.RunAsync(tools, input, video.ReadTimeout, token), cancellationToken);

    private async Task<FrameSource> OpenLocalAsync(SourceAddress.Local local, CancellationToken cancellationToken)
    {
        try
        {
            // A disk that does not answer must not hold up who gives up waiting.
            if (await Task.Run(() => OpenPictures(local.File, cancellationToken), CancellationToken.None).WaitAsync(cancellationToken) is { } pictures)
            {
                return pictures;
            }
        }
        catch (FileNotFoundException)
        {
            return Unreadable(local.Label, LoupeFailureCode.NotFound, "there is nothing at this path");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Unreadable(local.Label, LoupeFailureCode.Unreadable, $"the file cannot be read: {error.Message}");
        }

        return await OpenRecordingAsync(VideoInput.OfFile(local.Label, local.File), Path.GetFileNameWithoutExtension(local.File), cancellationToken);
    }

    /// <returns>Null for a file that is no picture.</returns>
    private ItemListSource? OpenPictures(string path, CancellationToken cancellationToken)
    {
        if (RegularFile.Status(path)?.Kind == FileKind.Folder)
        {
            return FrameFolder.Open(path, sampling, cancellationToken);
        }

        // JPEG after JPEG begins as one does.
        var isPicture = PictureKind.IsPicture(path, animations: false) && Path.GetExtension(path).ToLowerInvariant() is not (".mjpeg" or ".mjpg");
        return isPicture || PictureKind.IsNamedLikePicture(path) ? FrameFolder.OpenPicture(path, sampling) : null;
    }

    private async Task<FrameSource> OpenRecordingAsync(VideoInput input, string name, CancellationToken cancellationToken)
    {
        var tools = await VideoTools.FindAsync(cancellationToken);
        var promise = VideoPromise.Unknown;
        if (input.IsProbed)
        {
            (var found, var failure) = await VideoProbe.RunAsync(tools, input, video.ReadTimeout, cancellationToken);
            if (found is null)
            {
                return Unreadable(input.Label, LoupeFailureCode.Unreadable, $"the file cannot be opened as a video: {failure}");
            }

            promise = found;
        }

        var reader = await VideoReader.OpenAsync(
            () => VideoReader.Start(tools, input, promise, isLive: false, keepFrames, video, sampling), cancellationToken);
        return reader.Failure is null
            ? new RecordingSource(reader, promise, input.Label, name, sampling, notify)
            : NotOpened(input.Label, reader, promise);
    }

    private static ItemListSource NotOpened(string label, VideoReader reader, VideoPromise promise)
    {
        var all = promise.Frames is { } frames ? $"none of its {frames} frames" : "no frame";
        return reader.MissingDecoder switch
        {
            null => Unreadable(label, LoupeFailureCode.Unreadable, $"{all} can be read: {reader.Failure}"),
            "none" when promise.CodecTag is null or NoTag =>
                Unreadable(label, LoupeFailureCode.Unreadable, $"{all} can be decoded: the container does not say by what; its header may be damaged"),
            var missing => Unreadable(
                label,
                LoupeFailureCode.Unsupported,
                $"{all} can be decoded: the ffmpeg of this machine has no decoder for {(missing == "none" ? $"its codec, {promise.CodecTag}" : missing)}"),
        };
    }

    private static ItemListSource CannotBeOpened(string label, string reason) =>
        Unreadable(label, LoupeFailureCode.Unreadable, $"the stream cannot be opened: check address, credentials and network ({reason})");

    private static ItemListSource Unreadable(string label, LoupeFailureCode code, string message) =>
        new(label, [UnreadableItem.Create(label, code, message)]);

    private static bool IsTransient(string failure) => Transient().IsMatch(failure);

    /// <summary>What a camera or server that is just starting answers.</summary>
    [GeneratedRegex("refused|reset by peer|unreachable|No route to host|timed out|Temporary failure|Server returned 5|HTTP error 5|Input/output error|End of file", RegexOptions.IgnoreCase)]
    private static partial Regex Transient();
}
