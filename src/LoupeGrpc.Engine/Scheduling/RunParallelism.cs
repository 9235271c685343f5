using LoupeGrpc.Engine.Execution;

namespace LoupeGrpc.Engine.Scheduling;

/// <summary>
/// On how many threads a run on the CPU works. A run on all of them ends sooner, but threads wait for each other after every operator: it takes more of the processor
/// than one on a single thread. So a frame that is alone gets all threads, and where enough frames are inside to keep every thread busy each run gets one. In
/// between it is what answers more frames in a second, by what runs of either kind took at the start. Thread-safe once it is measured.
/// </summary>
/// <param name="threads">Of a run on all of them, and runs of one thread that are wanted at a time.</param>
internal sealed class RunParallelism(int threads)
{
    private readonly GraphParallelism _encoder = new(threads);
    private readonly GraphParallelism _segmentor = new(threads);

    public IRunParallelism Encoder => _encoder;

    public IRunParallelism Segmentor => _segmentor;

    /// <summary>Every run from now on: on one thread (true), on all (false), or as the frames inside want it (null).</summary>
    public void Force(bool? single) => (_encoder.Forced, _segmentor.Forced) = (single, single);

    /// <summary>How long runs take that have the processor to themselves.</summary>
    public void Measured((TimeSpan All, TimeSpan Single) encoder, (TimeSpan All, TimeSpan Single) segmentor)
    {
        _encoder.Times = encoder;
        _segmentor.Times = segmentor;
    }

    /// <summary>Before the first frame.</summary>
    /// <param name="inside">Frames and tiles that were let in and are not answered.</param>
    public void Watch(Func<int> inside) => (_encoder.Inside, _segmentor.Inside) = (inside, inside);

    private sealed class GraphParallelism(int threads) : IRunParallelism
    {
        public bool? Forced { get; set; } = false;

        public (TimeSpan All, TimeSpan Single) Times { get; set; }

        public Func<int> Inside { get; set; } = static () => 1;

        /// <summary>Each frame inside is in the hands of a thread or waits for one, whichever its stage.</summary>
        public bool IsSingle => Forced ?? Math.Min(Inside(), threads) * Times.All > Times.Single;
    }
}
