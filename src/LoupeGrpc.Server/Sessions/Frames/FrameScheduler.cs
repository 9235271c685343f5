namespace LoupeGrpc.Server.Sessions.Frames;

/// <summary>
/// Decides which waiting frame of all sessions enters the engine next: one of the session that has had the least of it. Frames wait here and nowhere
/// else between their receipt and the engine, so the one that is chosen is the one that is best at that moment: a fresher frame has replaced it, one
/// that is too old is gone, and its deadline fires while it waits.
/// <para>
/// The shares are those of start-time fair queueing (Goyal, Vin, Cheng 1996): each session has a virtual clock that advances by the engine time its frames
/// took; who was idle begins where the others are. Urgent sessions (see <see cref="FlowPolicy.IsUrgent"/>) go first among those whose clocks are a
/// frame or two apart, and need not wait for a place then. Heavy frames never take all the workers of a stage. Of a session with a budget, frames that would be too old when they come out go before they get in,
/// as long as a younger one waits behind them.
/// </para>
/// <para>
/// Each model has engines of its own, which are kept busy by themselves: whoever waits for one that is full is passed by those who ask for another. The shares are of
/// all of them together, since they are computed by the same machine. Thread-safe.
/// </para>
/// </summary>
internal sealed class FrameScheduler : IDisposable
{
    /// <summary>Weight of the newest frame in what the next is expected to cost.</summary>
    private const double CostSmoothing = 0.25;

    /// <summary>Of a timer, seconds; whoever wakes too early sets it again.</summary>
    private const double LongestTimer = 86_400;

    /// <summary>How many frames of an average session an urgent one may be ahead.</summary>
    private const double UrgentLead = 2;

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly HashSet<FrameFlow> _backlogged = [];
    private readonly List<FrameFlow?> _choices = [];
    private readonly ITimer _timer;
    private long? _wakeAt;
    private double _virtualTime;
    private double _averageCost;
    private int _inside;
    private long _looks;
    private int _waiting;
    private bool _pumping;
    private bool _pumpAgain;

    public FrameScheduler(TimeProvider time, ILogger<FrameScheduler> logger)
    {
        _time = time;
        _logger = logger;
        _timer = time.CreateTimer(static state => ((FrameScheduler)state!).Pump(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Frames that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting;
            }
        }
    }

    /// <summary>How long the frame has waited that has waited longest; 0 where none waits.</summary>
    public TimeSpan OldestWait
    {
        get
        {
            lock (_lock)
            {
                var now = _time.GetTimestamp();
                var since = now;
                foreach (var flow in _backlogged)
                {
                    // Each flow's are in the order in which they came.
                    since = Math.Min(since, flow.Waiting.First!.Value.QueuedAt);
                }

                return _time.GetElapsedTime(since, now);
            }
        }
    }

    /// <summary>Frames in the engine.</summary>
    public int Inside
    {
        get
        {
            lock (_lock)
            {
                return _inside;
            }
        }
    }

    /// <summary>Takes a frame, which is analysed or refused from here.</summary>
    public void Enqueue(FrameFlow flow, QueuedFrame frame)
    {
        QueuedFrame? replaced = null;
        bool abandoned;
        lock (_lock)
        {
            abandoned = flow.Abandoned;
            if (!abandoned)
            {
                if (flow.Policy.OnlyFreshest && flow.Waiting.First is { } stale)
                {
                    replaced = stale.Value;
                    Remove(flow, stale);
                }

                if (_backlogged.Add(flow))
                {
                    // Who was idle does not catch up on what it did not ask for.
                    flow.Served = Math.Max(flow.Served, _virtualTime);
                }

                frame.QueuedAt = _time.GetTimestamp();
                frame.Place = flow.Waiting.AddLast(frame);
                _waiting++;
                if (DueTime(flow, frame) is { } due)
                {
                    WakeAt(due);
                }
            }
        }

        if (replaced is not null)
        {
            replaced.Refuse(FrameRefusal.Superseded);
        }

        if (abandoned)
        {
            frame.Refuse(FrameRefusal.Abandoned);
        }

        Pump();
    }

    /// <summary>Takes a frame out that waits.</summary>
    /// <returns>False where it does not wait any more: it is analysed or was refused.</returns>
    public bool TryTakeOut(FrameFlow flow, QueuedFrame frame)
    {
        lock (_lock)
        {
            if (frame.Place is not { } place)
            {
                return false;
            }

            Remove(flow, place);
            return true;
        }
    }

    /// <summary>Nobody waits for the flow's frames any more: those that wait are refused, now and later.</summary>
    public void Abandon(FrameFlow flow)
    {
        List<QueuedFrame> left;
        lock (_lock)
        {
            flow.Abandoned = true;
            left = [.. flow.Waiting];
            while (flow.Waiting.First is { } first)
            {
                Remove(flow, first);
            }
        }

        foreach (var frame in left)
        {
            frame.Refuse(FrameRefusal.Abandoned);
        }
    }

    /// <summary>Takes out what is too old by now, and lets frames in as long as there is room.</summary>
    public void Pump()
    {
        // One thread lets frames in, so that those of a session enter in their order. Who comes meanwhile leaves it the work.
        lock (_lock)
        {
            if (_pumping)
            {
                _pumpAgain = true;
                return;
            }

            _pumping = true;
        }

        while (true)
        {
            List<(QueuedFrame Frame, FrameRefusal Reason)> refused = [];
            (FrameFlow Flow, QueuedFrame Frame, double Cost)? next = null;
            lock (_lock)
            {
                TakeTooOld(refused);
                next = TakeNext(refused);

                if (next is null && refused.Count == 0)
                {
                    if (!_pumpAgain)
                    {
                        _pumping = false;
                        return;
                    }

                    _pumpAgain = false;
                    continue;
                }
            }

            foreach (var (frame, reason) in refused)
            {
                frame.Refuse(reason);
            }

            if (next is { } chosen)
            {
                _ = RunAsync(chosen.Flow, chosen.Frame, chosen.Cost);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private async Task RunAsync(FrameFlow flow, QueuedFrame frame, double expected)
    {
        var start = _time.GetTimestamp();
        try
        {
            await frame.AnalyzeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Each frame decides itself; whatever escapes it must not stop everybody's frames.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            SessionLog.AnalysisEscaped(_logger, exception);
        }
        finally
        {
            var transit = _time.GetElapsedTime(start).TotalSeconds;
            var cost = frame.EngineTime ?? (frame.WasTooOld ? Math.Min(transit, expected) : transit);
            lock (_lock)
            {
                flow.Transit += CostSmoothing * (transit - flow.Transit);
                _inside--;
                flow.Load.Inside--;
                flow.Load.HeavyInside -= frame.IsHeavy ? 1 : 0;
                flow.Inside--;
                flow.Served += cost - expected;
                if (!frame.WasTooOld)
                {
                    flow.Cost += CostSmoothing * (cost - flow.Cost);
                    _averageCost += CostSmoothing * (cost - _averageCost);
                }
            }

            Pump();
        }
    }

    /// <summary>Within the lock.</summary>
    private (FrameFlow Flow, QueuedFrame Frame, double Cost)? TakeNext(List<(QueuedFrame Frame, FrameRefusal Reason)> refused)
    {
        ChooseOfEach();
        FrameFlow? best = null;
        foreach (var chosen in _choices)
        {
            // The next in turn may have to wait: who is urgent has the places that are left only when it is its turn.
            if (chosen is not null && (chosen.Policy.IsUrgent || chosen.Load.Inside < chosen.Load.Capacity.Frames) && (best is null || TurnOf(chosen) < TurnOf(best)))
            {
                best = chosen;
            }
        }

        _choices.Clear();
        if (best is null)
        {
            return null;
        }

        DropHopeless(best, refused);
        var frame = best.Waiting.First!;
        var cost = best.Cost > 0 ? best.Cost : _averageCost;
        _virtualTime = Math.Max(_virtualTime, best.Served);
        best.Served += cost;
        best.Inside++;
        _inside++;
        best.Load.Inside++;
        best.Load.HeavyInside += frame.Value.IsHeavy ? 1 : 0;
        Remove(best, frame);
        return (best, frame.Value, cost);
    }

    /// <summary>Within the lock. Of each model's flows that wait the next in turn, into <see cref="_choices"/>; null where none of them may go in.</summary>
    private void ChooseOfEach()
    {
        _looks++;
        foreach (var flow in _backlogged)
        {
            var load = flow.Load;
            if (load.SeenIn != _looks)
            {
                load.Look(_looks, _choices.Count);
                _choices.Add(null);
            }

            if (load.Inside < load.Capacity.Frames + load.Capacity.Urgent && flow.IsReady
                && (_choices[load.Place] is not { } other || TurnOf(flow) < TurnOf(other)))
            {
                _choices[load.Place] = flow;
            }
        }
    }

    /// <summary>Within the lock. The least goes first.</summary>
    private double TurnOf(FrameFlow flow) => flow.Served - (flow.Policy.IsUrgent ? UrgentLead * _averageCost : 0);

    /// <summary>Within the lock. Leaves at least one.</summary>
    private void DropHopeless(FrameFlow flow, List<(QueuedFrame Frame, FrameRefusal Reason)> refused)
    {
        while (flow.Policy.StalenessBudget is { } budget
            && flow.Waiting.First is { Next: not null } first
            && _time.GetElapsedTime(first.Value.ReceivedAt).TotalSeconds + flow.Transit >= budget.TotalSeconds)
        {
            refused.Add((first.Value, FrameRefusal.Stale));
            Remove(flow, first);
        }
    }

    /// <summary>Within the lock. Sets the timer for what will be too old next.</summary>
    private void TakeTooOld(List<(QueuedFrame Frame, FrameRefusal Reason)> refused)
    {
        var now = _time.GetTimestamp();
        if (_wakeAt is not { } at || at > now)
        {
            return;
        }

        _wakeAt = null;
        List<LinkedListNode<QueuedFrame>> old = [];
        foreach (var flow in _backlogged.ToArray())
        {
            old.Clear();
            for (var node = flow.Waiting.First; node is not null; node = node.Next)
            {
                if (DueTime(flow, node.Value) is not { } due)
                {
                    continue;
                }

                if (due > now)
                {
                    WakeAt(due);
                    continue;
                }

                var expired = _time.GetElapsedTime(node.Value.ReceivedAt, now) >= node.Value.Deadline;
                refused.Add((node.Value, expired ? FrameRefusal.Expired : FrameRefusal.Stale));
                old.Add(node);
            }

            old.ForEach(node => Remove(flow, node));
        }
    }

    /// <summary>Timestamp at which the frame will be too old; null: never.</summary>
    private long? DueTime(FrameFlow flow, QueuedFrame frame)
    {
        var (deadline, budget) = (frame.Deadline, flow.Policy.StalenessBudget);
        var limit = deadline < budget || budget is null ? deadline : budget;
        if (limit is not { } age)
        {
            return null;
        }

        // Rounded up: at that time the frame has at least this age.
        var ticks = Math.Ceiling(age.TotalSeconds * _time.TimestampFrequency);
        return ticks < long.MaxValue / 4 ? frame.ReceivedAt + (long)ticks : null;
    }

    private void WakeAt(long due)
    {
        if (_wakeAt <= due)
        {
            return;
        }

        _wakeAt = due;
        var wait = TimeSpan.FromSeconds(Math.Min(Math.Max(0, due - _time.GetTimestamp()) / (double)_time.TimestampFrequency, LongestTimer));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Remove(FrameFlow flow, LinkedListNode<QueuedFrame> frame)
    {
        flow.Waiting.Remove(frame);
        frame.Value.Place = null;
        _waiting--;
        if (flow.Waiting.Count == 0)
        {
            _backlogged.Remove(flow);
        }
    }
}
