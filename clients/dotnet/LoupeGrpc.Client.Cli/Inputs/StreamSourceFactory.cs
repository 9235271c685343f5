using LoupeGrpc.Client.Cli.Inputs.Files;

namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Opens the SOURCE of `stream`. What cannot be opened becomes a source with one failed item.</summary>
internal sealed class StreamSourceFactory(SamplingOptions sampling, bool keepFrames, Action<string> notify)
{
    /// <summary>A wrong address should fail soon; one that once worked is tried for ever.</summary>
    private const int FirstRetries = 2;

    public async Task<FrameSource> OpenAsync(SourceAddress address, CancellationToken cancellationToken) => address switch
    {
        SourceAddress.Camera camera => await OpenCameraAsync(camera, cancellationToken),
        SourceAddress.Network network => await OpenNetworkAsync(network, cancellationToken),
        SourceAddress.Local local => await OpenLocalAsync(local.File, cancellationToken),
        _ => throw new InvalidOperationException($"Unknown kind of source: {address.Label}."),
    };

    private async Task<FrameSource> OpenCameraAsync(SourceAddress.Camera camera, CancellationToken cancellationToken)
    {
        var capture = await OpenCvCapture.OpenAsync(camera.Index, keepFrames, cancellationToken);
        return capture is null
            ? Unreadable(camera.Label, LoupeFailureCode.NotFound, "no such camera, or another program uses it")
            : new LiveSource(capture, camera.Index, camera.Label, keepFrames, sampling, notify);
    }

    private async Task<FrameSource> OpenNetworkAsync(SourceAddress.Network network, CancellationToken cancellationToken)
    {
        var capture = await Reconnect.Pipeline(FirstRetries, sampling.Time).ExecuteAsync(
            async token => await OpenCvCapture.OpenAsync(network.Url, keepFrames, token), cancellationToken);
        return capture is null
            ? Unreadable(network.Label, LoupeFailureCode.Unreadable, "the stream cannot be opened: check address, credentials and network")
            : new LiveSource(capture, network.Url, network.Label, keepFrames, sampling, notify);
    }

    private async Task<FrameSource> OpenLocalAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            // A disk that does not answer must not hold up who gives up waiting.
            if (await Task.Run(() => OpenPictures(path, cancellationToken), CancellationToken.None).WaitAsync(cancellationToken) is { } pictures)
            {
                return pictures;
            }
        }
        catch (FileNotFoundException)
        {
            return Unreadable(path, LoupeFailureCode.NotFound, "there is nothing at this path");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Unreadable(path, LoupeFailureCode.Unreadable, $"the file cannot be read: {error.Message}");
        }

        var capture = await OpenCvCapture.OpenAsync(path, keepFrames, cancellationToken);
        return capture is null
            ? Unreadable(path, LoupeFailureCode.Unreadable, "the file cannot be opened as a video")
            : new VideoFileSource(capture, path, sampling);
    }

    /// <returns>Null for a file that is no picture.</returns>
    private ItemListSource? OpenPictures(string path, CancellationToken cancellationToken)
    {
        if (RegularFile.Status(path)?.Kind == FileKind.Folder)
        {
            return FrameFolder.Open(path, sampling, cancellationToken);
        }

        var isPicture = PictureKind.IsPicture(path, animations: false);
        return isPicture || PictureKind.IsNamedLikePicture(path) ? FrameFolder.OpenPicture(path, sampling) : null;
    }

    private static ItemListSource Unreadable(string label, LoupeFailureCode code, string message) =>
        new(label, [UnreadableItem.Create(label, code, message)]);
}
