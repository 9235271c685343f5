namespace LoupeGrpc.Client.Cli.Inputs;

/// <summary>Opens the SOURCE of `stream`. What cannot be opened becomes a source with one failed item.</summary>
internal sealed class StreamSourceFactory(SamplingOptions sampling, bool keepFrames, Action<string> notify)
{
    /// <summary>A wrong address should fail soon; one that once worked is tried for ever.</summary>
    private const int FirstRetries = 2;

    /// <summary>What a folder's frames are taken to be when `--fps` does not say.</summary>
    private const double FolderFramesPerSecond = 25;

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
        if (Directory.Exists(path))
        {
            return OpenFolder(path);
        }

        if (!File.Exists(path))
        {
            return Unreadable(path, LoupeFailureCode.NotFound, "there is nothing at this path");
        }

        if (PictureFiles.IsPicture(path))
        {
            return Frames(path, [path]);
        }

        var capture = await OpenCvCapture.OpenAsync(path, keepFrames, cancellationToken);
        return capture is null
            ? Unreadable(path, LoupeFailureCode.Unreadable, "the file cannot be opened as a video")
            : new VideoFileSource(capture, path, sampling);
    }

    private ItemListSource OpenFolder(string folder)
    {
        try
        {
            var files = PictureFiles.In(folder, recursive: false);
            return files.Count > 0
                ? Frames(folder, files)
                : Unreadable(folder, LoupeFailureCode.NotFound, $"the folder holds no frames ({PictureFiles.ExtensionList})");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Unreadable(folder, LoupeFailureCode.Unreadable, $"the folder cannot be read: {error.Message}");
        }
    }

    private ItemListSource Frames(string source, IReadOnlyList<string> files)
    {
        var fps = sampling.PerSecond ?? FolderFramesPerSecond;
        var started = sampling.Time.GetUtcNow();
        var items = files
            .Take((int)Math.Min(sampling.MaxFrames, files.Count))
            .Select((file, index) => new FileItem
            {
                Path = source,
                Name = Path.GetFileName(file),
                File = file,
                TimeSeconds = index / fps,
                CaptureTime = started.AddSeconds(index / fps),
            });
        return new ItemListSource(source, [.. items]);
    }

    private static ItemListSource Unreadable(string label, LoupeFailureCode code, string message) =>
        new(label, [UnreadableItem.Create(label, code, message)]);
}
