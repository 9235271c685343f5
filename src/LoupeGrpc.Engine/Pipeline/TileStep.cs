using LoupeGrpc.Engine.Imaging;
using LoupeGrpc.Engine.Masks;
using LoupeGrpc.Engine.Queueing;
using LoupeGrpc.Engine.Tiling;
using LoupeGrpc.Packaging;
using OpenCvSharp;

namespace LoupeGrpc.Engine.Pipeline;

/// <summary>
/// Looks at a decoded picture in tiles. Each is a frame of its own, which passes the stages among all others; a few are on their way at a time, so that nobody waits
/// for all of them, and pictures take turns. What comes back is merged in the order of the tiles, on which every byte depends. Meanwhile the picture's own frame
/// waits before a stage without workers, where its caller and its deadline find it.
/// </summary>
/// <param name="places">Tiles of all pictures that may be on their way.</param>
/// <param name="hall">Where the picture's frame waits. It has no threads.</param>
/// <param name="first">Gets the frames of tiles.</param>
/// <param name="next">Gets pictures whose mask is to be made.</param>
internal sealed class TileStep(
    ModelManifest manifest, TilePlanner planner, int places, Stage hall, Action<FrameJob> first, Action<FrameJob> next, AnswerWriter answers)
{
    public const string Name = "tiles";

    private readonly ScoreScale _scale = ScoreScale.Of(manifest);
    private readonly Room _places = new(new RoomSize(places, places));

    private StageClock Clock => hall.Clock;

    /// <summary>The frame is decoded.</summary>
    public void Begin(FrameJob job)
    {
        // Not the frame's until the tiles are done: it may leave before them.
        var (tiled, room) = (job.Tiled!, job.Room);
        (job.Tiled, job.Room) = (null, null);
        hall.Send(job);
        _ = Task.Run(() => LookAsync(job, tiled, room));
    }

    private async Task LookAsync(FrameJob job, TiledPicture tiled, RoomLease? room)
    {
        long start = Clock.Now;
        AnalysisOutcome? outcome;
        try
        {
            outcome = await AnalyzeAsync(job, tiled).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            outcome = hall.Classifier.ClassifyOne(exception, Name);
        }

        tiled.Picture.Dispose();
        if (!hall.Queue.TryRemove(job))
        {
            // It has left.
            tiled.Dispose();
            room?.Dispose();
            return;
        }

        (job.Tiled, job.Room) = (tiled, room);
        using (job.Request.Span?.Stage(Name, Clock.Since(start)))
        {
            // The stages of the tiles have none of their own.
        }

        if (outcome is { } answer)
        {
            hall.Exit.Leave(job, answer);
        }
        else
        {
            next(job);
        }
    }

    /// <returns>Null: the frame's mask is to be made.</returns>
    private async Task<AnalysisOutcome?> AnalyzeAsync(FrameJob job, TiledPicture tiled)
    {
        if (job.Rotation is { } turn)
        {
            return await RotateAsync(job, tiled, turn).ConfigureAwait(false);
        }

        var (grid, limit) = job.Plan!;
        var starts = grid.Starts;
        bool chooses = starts.Count > limit;
        if (chooses)
        {
            using var whole = new TilePart(tiled.Picture, start: null);
            var frame = await SendAsync(job, whole, mask: true).ConfigureAwait(false);
            if (await AnswerOfAsync(job, frame).ConfigureAwait(false) is { } failure)
            {
                return failure;
            }

            starts = [.. grid.Choose(limit, whole.Soft!.Values, job.Shape.Width, job.Shape.Height).Select(index => grid.Starts[index])];
        }

        long start = Clock.Now;
        var logits = new double[starts.Count];
        bool masked = IsMaskedAtOnce(job);
        if (await PassAsync(job, tiled, starts, logits, scores: true, masked).ConfigureAwait(false) is { } early)
        {
            return early;
        }

        job.Logit = TileScores.Pool(logits);
        job.Score = _scale.OfTiles(job.Logit);
        job.Tiles = Report(job, grid, starts, logits, chooses);
        GateStep.Decide(job);
        if (job.NeedsMask && !masked && await PassAsync(job, tiled, starts, logits, scores: false, masks: true).ConfigureAwait(false) is { } late)
        {
            return late;
        }

        return Conclude(job, starts.Count, start);
    }

    /// <summary>Of a session of which each frame shows some tiles: this frame's are analysed, and count with those of the frames before.</summary>
    /// <returns>Null: the frame's mask is to be made.</returns>
    private async Task<AnalysisOutcome?> RotateAsync(FrameJob job, TiledPicture tiled, TileTurn turn)
    {
        var grid = job.Plan!.Grid;
        if (!turn.TryBegin(grid, job.Shape.Width, job.Shape.Height, job.Request.Tiles, job.ColorLayout))
        {
            return FrameExit.Canceled;
        }

        long start = Clock.Now;
        var starts = Array.ConvertAll(turn.Tiles, tile => grid.Starts[tile]);
        var logits = new double[starts.Length];
        bool masked = IsMaskedAtOnce(job);
        if (await PassAsync(job, tiled, starts, logits, scores: true, masked, turn).ConfigureAwait(false) is { } early)
        {
            return early;
        }

        var window = turn.Window().ToList();
        double[] all = [.. window.Select(static one => one.Visit.Logit)];
        job.Logit = TileScores.Pool(all);
        job.Score = _scale.OfTiles(job.Logit);
        GateStep.Decide(job);
        if (job.NeedsMask && !masked && await PassAsync(job, tiled, starts, logits, scores: false, masks: true, turn).ConfigureAwait(false) is { } late)
        {
            return late;
        }

        // With the maps of this frame, which may have come only now.
        window = [.. turn.Window()];
        var report = Report(job, grid, [.. window.Select(one => grid.Starts[one.Tile])], all, chose: false);
        job.Tiles = report with
        {
            Window = turn.Report(window[Array.IndexOf(all, all.Max())].Visit) with
            {
                Masked = job.NeedsMask ? starts.Length + window.Count(one => one.Visit.Map is not null && !turn.Shows(one.Tile)) : 0,
            },
        };
        return Conclude(job, starts.Length, start);
    }

    /// <summary>Whether masks are made with the scores, and not once the verdict is known.</summary>
    private static bool IsMaskedAtOnce(FrameJob job) => job.Request.MaskPolicy == MaskPolicy.Always && !job.Request.Economies.HasFlag(Economies.NoMask);

    /// <param name="tiles">That were analysed, from <paramref name="start"/> on.</param>
    private AnalysisOutcome? Conclude(FrameJob job, int tiles, long start)
    {
        planner.Record(tiles, Clock.Since(start));
        if (job.NeedsMask)
        {
            return null;
        }

        return answers.WithoutMask(job);
    }

    /// <summary>Analyses all tiles once.</summary>
    /// <param name="logits">One a tile, clipped: set by the pass that scores, read by one that only makes masks.</param>
    /// <param name="turn">Where the tiles are those of one frame of several: gets what came of them, and has the maps of the others.</param>
    /// <returns>Null: it is done.</returns>
    private async Task<FrameFailure?> PassAsync(
        FrameJob job, TiledPicture tiled, IReadOnlyList<TileStart> starts, double[] logits, bool scores, bool masks, TileTurn? turn = null)
    {
        if (masks)
        {
            tiled.Soft = new PixelMemory<float>(job.Shape.Width, job.Shape.Height, MatType.CV_32FC1);
        }

        using var merger = masks ? new TileMerger(job.Shape.Width, job.Shape.Height, manifest.ImageSize) : null;
        var others = new Queue<(int Tile, TileVisit Visit)>(merger is null || turn is null ? [] : turn.Window().Where(one => one.Visit.Map is not null && !turn.Shows(one.Tile)));
        var ahead = new Queue<FrameJob>();
        try
        {
            int sent = 0;
            for (int merged = 0; merged < starts.Count; merged++)
            {
                while (sent < starts.Count && ahead.Count < places)
                {
                    ahead.Enqueue(await SendAsync(job, new TilePart(tiled.Picture, starts[sent++]), masks).ConfigureAwait(false));
                }

                var tile = ahead.Dequeue();
                using (tile.Part)
                {
                    if (await AnswerOfAsync(job, tile).ConfigureAwait(false) is { } failure)
                    {
                        return failure;
                    }

                    if (scores)
                    {
                        Weigh(job, tile, merged);
                    }

                    logits[merged] = scores ? TileScores.Clip(tile.Logit) : logits[merged];
                    MergeKept(job, merger, others, turn?.Tiles[merged] ?? 0, tiled.Soft);
                    Merge(job, merger, starts[merged], logits[merged], tile.Part!, tiled.Soft);
                    Remember(turn, merged, logits[merged], scores, tile.Part!);
                }
            }

            MergeKept(job, merger, others, int.MaxValue, tiled.Soft);
            merger?.Complete(tiled.Soft!.Values);
            return null;
        }
        finally
        {
            // The picture stays for those that are still on their way.
            foreach (var tile in ahead)
            {
                await tile.Answer.ConfigureAwait(false);
                tile.Part!.Dispose();
            }
        }
    }

    /// <summary>The brightness of a picture is the mean of its tiles'.</summary>
    /// <param name="before">Tiles that are in it already.</param>
    private static void Weigh(FrameJob job, FrameJob tile, int before)
    {
        if (job.Evidence is { } evidence && tile.Evidence?.Brightness is { } brightness)
        {
            float mean = evidence.Brightness ?? 0;
            job.Evidence = evidence with { Brightness = mean + ((brightness - mean) / (before + 1)) };
        }
    }

    private void Merge(FrameJob job, TileMerger? merger, TileStart start, double logit, TilePart part, PixelMemory<float>? soft)
    {
        if (merger is not null)
        {
            long begin = Clock.Now;
            merger.Add(start, TileScores.Sigmoid(logit), part.Soft!.Values, soft!.Values);
            job.Timings = job.Timings with { Mask = job.Timings.Mask + Clock.Since(begin) };
        }
    }

    /// <summary>Merges maps of other frames that lie before a tile.</summary>
    /// <param name="others">Ascending.</param>
    private void MergeKept(FrameJob job, TileMerger? merger, Queue<(int Tile, TileVisit Visit)> others, int before, PixelMemory<float>? soft)
    {
        if (merger is null || !others.TryPeek(out var next) || next.Tile > before)
        {
            return;
        }

        long begin = Clock.Now;
        using var map = new PixelMemory<float>(manifest.ImageSize, manifest.ImageSize, MatType.CV_32FC1);
        while (others.TryPeek(out next) && next.Tile < before)
        {
            others.Dequeue();
            next.Visit.Map!.Get(map.Values);
            merger.Add(job.Plan!.Grid.Starts[next.Tile], TileScores.Sigmoid(next.Visit.Logit), map.Values, soft!.Values);
        }

        job.Timings = job.Timings with { Mask = job.Timings.Mask + Clock.Since(begin) };
    }

    private static void Remember(TileTurn? turn, int number, double logit, bool scores, TilePart part)
    {
        if (turn is null)
        {
            return;
        }

        if (scores)
        {
            turn.See(turn.Tiles[number], logit);
        }

        if (part.Soft is { } map)
        {
            turn.Keep(turn.Tiles[number], map.Values);
        }
    }

    private async Task<FrameJob> SendAsync(FrameJob job, TilePart part, bool mask)
    {
        var (_, place) = await _places.TakeAsync(frames: 1, bytes: 1, CancellationToken.None).ConfigureAwait(false);
        var request = job.Request with
        {
            MaskPolicy = mask ? MaskPolicy.Always : MaskPolicy.Never,
            Economies = Economies.None,
            SoftMask = false,
            Span = null,
        };
        var shape = part.Start is null ? job.Shape : new FrameShape(manifest.ImageSize, manifest.ImageSize, null);
        var tile = new FrameJob(hall.Exit, job.Input, request, shape, bytes: 0, job.ReceivedAt, job.DueAt) { Part = part, Room = place };
        hall.Exit.Expect(tile);
        first(tile);
        return tile;
    }

    /// <summary>Waits for a tile, and adds what it cost to its picture's.</summary>
    /// <returns>Why the picture has no result; null: it goes on.</returns>
    private static async Task<FrameFailure?> AnswerOfAsync(FrameJob job, FrameJob tile)
    {
        var outcome = await tile.Answer.ConfigureAwait(false);
        var (all, one) = (job.Timings, tile.Timings);
        job.Timings = all with
        {
            Preprocess = all.Preprocess + one.Preprocess,
            Encode = all.Encode + one.Encode,
            Segment = all.Segment + one.Segment,
            Mask = all.Mask + one.Mask,
        };
        return outcome.Failure ?? (job.IsAnswered ? FrameExit.Canceled : null);
    }

    private TileReport Report(FrameJob job, TileGrid grid, IReadOnlyList<TileStart> starts, double[] logits, bool chose)
    {
        int highest = Array.IndexOf(logits, logits.Max());
        var (x, y) = starts[highest];
        var peak = new TilePeak(
            _scale.OfTile(logits[highest]), x, y, Math.Min(grid.Side, job.Shape.Width - x), Math.Min(grid.Side, job.Shape.Height - y));
        return new TileReport(starts.Count, grid.Starts.Count, grid.Step, chose, peak);
    }
}
