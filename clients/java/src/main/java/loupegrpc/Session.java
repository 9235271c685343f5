package loupegrpc;

import io.grpc.Context;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import loupegrpc.v1.AnalyzeRequest;
import loupegrpc.v1.AnalyzeResponse;
import loupegrpc.v1.Control;
import loupegrpc.v1.ControlReply;
import loupegrpc.v1.Flush;
import loupegrpc.v1.FreezeAdaptation;
import loupegrpc.v1.OpenSession;
import loupegrpc.v1.ResetAdaptation;
import loupegrpc.v1.ResumeAdaptation;
import loupegrpc.v1.RollbackAdaptation;
import loupegrpc.v1.SessionGrant;
import loupegrpc.v1.SessionSummary;
import loupegrpc.v1.SetAdaptation;
import loupegrpc.v1.SnapshotAdaptation;

/**
 * Takes frames and gives one outcome for each. Sending, controlling and receiving are independent of each other: any thread may do any, also several at once.
 *
 * <p>When the connection breaks the session goes on with another one. Where that cannot be, every frame in flight gets {@link FailureCode#CONNECTION_LOST},
 * {@link #receive} is empty behind them, and {@link #send} and {@link #complete} throw {@link ConnectionLostException}.
 *
 * <p>A method that waits throws {@link InterruptedException} where its thread is interrupted. It has done nothing then, but for controls, which are on their
 * way.
 */
public final class Session implements AutoCloseable, Iterable<Outcome> {

    /** As many connections in a row break over the same frame until it is given up. Pauses between them grow: this takes some seconds. */
    private static final int MAX_BREAKS_OVER_ONE_FRAME = 5;
    /** For servers that do not say how long they keep a session. */
    private static final Duration DEFAULT_WINDOW = Duration.ofSeconds(30);

    private static final int DEFAULT_CREDITS = 64;
    /** So long a session in which nothing is in flight may take to say goodbye. */
    private static final Duration GOODBYE = Duration.ofSeconds(1);
    /** Frames handed over and not yet written: one on its way and one behind it. */
    private static final int ROOM = 2;

    private static final int MAX_EVENTS = 256;

    /** How far the server was at a break. */
    private record Reached(long frames, long controls, long received) {}

    /** Why a connection was left, and whether only the way to the server broke. */
    private record Break(LoupeException fault, boolean transport) {}

    private final SessionGrant grant;
    private final Channel channel;
    private final OpenSession opening;
    private final Map<String, String> trace;
    private final boolean resumable;
    private final int credits;
    private final Context context = Context.current();
    private final Context.CancellationListener abandoning = done -> abandon();
    private final Thread thread;
    /** Keeps frames in the order of their indexes while they are encoded. Taken before {@link #lock}. */
    private final ReentrantLock sending = new ReentrantLock();
    /** Guards everything below. */
    private final ReentrantLock lock = new ReentrantLock();
    /** Something changed that somebody may wait for. */
    private final Condition changed = lock.newCondition();

    private final Ledger ledger;
    private final Deque<Ledger.Entry> outbox = new ArrayDeque<>();
    private final Deque<Event> events = new ArrayDeque<>();
    private final Map<Long, ControlReply> replies = new HashMap<>();
    private final List<Runnable> logs = new ArrayList<>();
    /** Frames whose outcome was not taken. */
    private int inFlight;
    /** Frames that wait to be written. */
    private int waiting;

    private long lastControl;
    private long received;
    private Reached reached;
    private int timesReached;
    private Outage outage;
    /** Null while there is none. */
    private Connection connection;

    private SessionSummary summary;
    private boolean completing;
    private boolean halfClose;
    private boolean disposing;
    /** The session's thread is in its user's logger, which an interruption could break. */
    private boolean talking;

    private boolean ended;
    private LoupeException fault;

    private Session(Channel channel, SessionOptions options, OpenSession opening, Map<String, String> trace, Channel.Granted first) {
        this.channel = channel;
        this.opening = opening;
        this.trace = trace;
        grant = first.grant();
        resumable = options.reconnect && !grant.getResumeToken().isEmpty();
        int granted = grant.getLimits().getCredits();
        credits = Math.min(options.maxFramesInFlight, granted == 0 ? DEFAULT_CREDITS : granted);
        ledger = new Ledger(!options.unordered);
        thread = new Thread(context.wrap(() -> run(first.connection())), "loupegrpc-session-" + grant.getSessionId());
        thread.setDaemon(true);
    }

    static Session open(Channel channel, SessionOptions options) throws InterruptedException {
        var opening = options.message(channel.options);
        var trace = channel.traceContext();
        var first = channel.connect(() -> channel.open(opening, trace, Channel.ATTEMPT_TIMEOUT));
        var session = new Session(channel, options, opening, trace, first);
        session.context.addListener(session.abandoning, Runnable::run);
        session.thread.start();
        return session;
    }

    /**
     * What the server granted at the opening: limits, model, what runs it, and what of the request is not available.
     *
     * @return as it came
     */
    public SessionGrant grant() {
        return grant;
    }

    /**
     * Why the session ended before it was completed.
     *
     * @return empty while it runs and after a regular end
     */
    public Optional<LoupeException> fault() {
        lock.lock();
        try {
            return Optional.ofNullable(fault);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sends a picture: {@link #send(Frame)}.
     *
     * @param image of which nothing more is to be known
     * @return the frame's index
     * @throws InterruptedException where its thread is interrupted; the frame was not taken
     */
    public int send(Image image) throws InterruptedException {
        return send(Frame.of(image));
    }

    /**
     * Sends a frame once there is room: at most the granted credits of frames are without an outcome taken by {@link #receive}, so call that in another thread.
     * From then on the frame has exactly one outcome; where this throws, it has none. Its bytes are the caller's again.
     *
     * @param frame what to analyse
     * @return the frame's index
     * @throws InterruptedException where its thread is interrupted; the frame was not taken
     * @throws ConnectionLostException where the session is over
     * @throws IllegalStateException after {@link #complete}
     * @throws java.io.UncheckedIOException where its file cannot be read
     */
    public int send(Frame frame) throws InterruptedException {
        return forever(patience -> send(frame, patience));
    }

    /**
     * Sends a frame if there is room within a time.
     *
     * @param frame what to analyse
     * @param timeout how long to wait for room
     * @return the frame's index
     * @throws InterruptedException where its thread is interrupted; the frame was not taken
     * @throws TimeoutException where there was no room; the frame was not taken
     * @throws ConnectionLostException where the session is over
     * @throws IllegalStateException after {@link #complete}
     * @throws java.io.UncheckedIOException where its file cannot be read
     */
    public int send(Frame frame, Duration timeout) throws InterruptedException, TimeoutException {
        return send(frame, Patience.of(timeout));
    }

    private int send(Frame frame, Patience patience) throws InterruptedException, TimeoutException {
        lock.lock();
        try {
            checkCompleting();
        } finally {
            lock.unlock();
        }
        var picture = Picture.read(frame.image());
        lock.lockInterruptibly();
        try {
            while (!ended && inFlight >= credits) {
                await(patience);
            }
            checkOpen();
            inFlight++;
            try {
                while (!ended && waiting >= ROOM) {
                    await(patience);
                }
                checkOpen();
                waiting++;
            } catch (InterruptedException | TimeoutException | RuntimeException givenUp) {
                inFlight--;
                changed.signalAll();
                throw givenUp;
            }
        } finally {
            lock.unlock();
        }
        // From here on nothing waits: the frame enters whole or not at all.
        boolean entered = false;
        sending.lock();
        try {
            int index = enter(frame, picture);
            entered = true;
            return index;
        } finally {
            sending.unlock();
            if (!entered) {
                lock.lock();
                inFlight--;
                waiting--;
                changed.signalAll();
                lock.unlock();
            }
        }
    }

    private int enter(Frame frame, Picture picture) {
        lock.lock();
        int index = ledger.entered();
        lock.unlock();
        long id = frame.id().orElse(index);
        long limit = grant.getLimits().getMaxFrameBytes();
        boolean tooLarge = limit > 0 && picture.size() > limit;
        var data = tooLarge ? null : AnalyzeRequest.newBuilder().setFrame(frame.message(id, picture)).build().toByteArray();
        lock.lock();
        try {
            checkOpen();
            if (tooLarge) {
                waiting--;
                ledger.enterFailed(id, FailureCode.TOO_LARGE, tooLarge(picture.size(), limit));
                changed.signalAll();
            } else {
                outbox.add(ledger.enterFrame(id, data));
                pump();
            }
            return index;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The next outcome, in the order of sending unless the session is unordered. Waits for it.
     *
     * @return empty after the last one, when the session was completed, broke or was closed
     * @throws InterruptedException where its thread is interrupted; the outcome is there for a later call
     */
    public Optional<Outcome> receive() throws InterruptedException {
        return forever(this::receive);
    }

    /**
     * The next outcome, if it is there within a time.
     *
     * @param timeout how long to wait for it
     * @return empty after the last one
     * @throws InterruptedException where its thread is interrupted; the outcome is there for a later call
     * @throws TimeoutException where it was not there; it is for a later call
     */
    public Optional<Outcome> receive(Duration timeout) throws InterruptedException, TimeoutException {
        return receive(Patience.of(timeout));
    }

    private Optional<Outcome> receive(Patience patience) throws InterruptedException, TimeoutException {
        lock.lockInterruptibly();
        try {
            while (true) {
                var outcome = ledger.take();
                if (outcome != null) {
                    inFlight--;
                    changed.signalAll();
                    return Optional.of(outcome);
                }
                if (ledger.isClosed()) {
                    return Optional.empty();
                }
                await(patience);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * The outcomes from now on, for a loop: {@link #receive} until it is empty. Where the thread is interrupted, it throws {@link CancellationException}, and
     * the thread is still interrupted.
     *
     * @return to be used by one thread
     */
    @Override
    public Iterator<Outcome> iterator() {
        return new Iterator<>() {
            private Outcome next;

            @Override
            public boolean hasNext() {
                try {
                    next = next == null ? receive().orElse(null) : next;
                    return next != null;
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw (CancellationException) new CancellationException("interrupted while waiting for an outcome").initCause(interrupted);
                }
            }

            @Override
            public Outcome next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                var outcome = next;
                next = null;
                return outcome;
            }
        };
    }

    /**
     * What happened to the session by itself, on the server and on the way to it. Waits for it. Nobody has to ask: the 256 latest are kept.
     *
     * @return empty after the session's end
     * @throws InterruptedException where its thread is interrupted
     */
    public Optional<Event> nextEvent() throws InterruptedException {
        return forever(this::nextEvent);
    }

    /**
     * What happened to the session by itself, if something does within a time.
     *
     * @param timeout how long to wait for it
     * @return empty after the session's end
     * @throws InterruptedException where its thread is interrupted
     * @throws TimeoutException where nothing happened
     */
    public Optional<Event> nextEvent(Duration timeout) throws InterruptedException, TimeoutException {
        return nextEvent(Patience.of(timeout));
    }

    private Optional<Event> nextEvent(Patience patience) throws InterruptedException, TimeoutException {
        lock.lockInterruptibly();
        try {
            while (events.isEmpty() && !ended) {
                await(patience);
            }
            return Optional.ofNullable(events.poll());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Says that no more frames come and waits for the server's account. Outcomes can still be received afterwards.
     *
     * @return the account
     * @throws InterruptedException where its thread is interrupted; it may be called again
     * @throws ConnectionLostException where the session broke before
     */
    public SessionSummary complete() throws InterruptedException {
        return forever(this::complete);
    }

    /**
     * Says that no more frames come and waits for the server's account within a time.
     *
     * @param timeout how long to wait for it
     * @return the account
     * @throws InterruptedException where its thread is interrupted; it may be called again
     * @throws TimeoutException where it was not there; it may be called again
     * @throws ConnectionLostException where the session broke before
     */
    public SessionSummary complete(Duration timeout) throws InterruptedException, TimeoutException {
        return complete(Patience.of(timeout));
    }

    private SessionSummary complete(Patience patience) throws InterruptedException, TimeoutException {
        lock.lockInterruptibly();
        try {
            completing = true;
            // A server that has answered a half-closed call forgets the session: what a connection that breaks then loses could not be asked for again.
            while (resumable && !ledger.isIdle() && !ended) {
                await(patience);
            }
            halfClose = true;
            pump();
            while (summary == null && !ended) {
                await(patience);
            }
            if (summary == null) {
                throw endedException();
            }
            return summary;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the session at once when it was not completed: frames in flight get {@link FailureCode#CANCELED}. One that can be resumed and has frames in flight
     * is left to the server, which keeps it for its resume window; one without is completed.
     */
    @Override
    public void close() {
        boolean interrupted = false;
        lock.lock();
        boolean quiet = resumable && ledger.isIdle() && !ended;
        lock.unlock();
        if (quiet) {
            try {
                complete(GOODBYE);
            } catch (InterruptedException impatient) {
                interrupted = true;
            } catch (TimeoutException | LoupeException late) {
                // It ends all the same.
            }
        }
        abandon();
        while (Thread.currentThread() != thread && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException impatient) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void abandon() {
        lock.lock();
        disposing = true;
        if (!talking) {
            // In whatever it waits for.
            thread.interrupt();
        }
        lock.unlock();
        end(null);
    }

    /**
     * Sets new thresholds from the next frame on.
     *
     * @param thresholds each that is empty is the server's
     * @return which hold
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply setThresholds(Thresholds thresholds) throws InterruptedException {
        return control(control -> control.setSetThresholds(thresholds.message()));
    }

    /**
     * Sets new mask settings from the next frame on.
     *
     * @param masks when and how
     * @return that it was done
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply setMasks(Masks masks) throws InterruptedException {
        return control(control -> control.setSetMask(masks.message()));
    }

    /**
     * Waits until every frame sent before it has its outcome.
     *
     * @return that it was done
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply flush() throws InterruptedException {
        return control(control -> control.setFlush(Flush.getDefaultInstance()));
    }

    /**
     * Starts adapting, or changes how, from the next frame on; parameters stay as they are.
     *
     * @param adaptation how
     * @return the state after it
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply setAdaptation(Adaptation adaptation) throws InterruptedException {
        return control(control -> control.setSetAdaptation(SetAdaptation.newBuilder().setSettings(adaptation.message())));
    }

    /**
     * Stops adapting; the parameters stay.
     *
     * @return the state after it
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply freezeAdaptation() throws InterruptedException {
        return control(control -> control.setFreezeAdaptation(FreezeAdaptation.getDefaultInstance()));
    }

    /**
     * Goes on adapting after a freeze.
     *
     * @return the state after it
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply resumeAdaptation() throws InterruptedException {
        return control(control -> control.setResumeAdaptation(ResumeAdaptation.getDefaultInstance()));
    }

    /**
     * Goes back to the base parameters, step 0.
     *
     * @return the state after it
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply resetAdaptation() throws InterruptedException {
        return control(control -> control.setResetAdaptation(ResetAdaptation.getDefaultInstance()));
    }

    /**
     * Goes back to the last snapshot.
     *
     * @return the state after it
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply rollbackAdaptation() throws InterruptedException {
        return control(control -> control.setRollbackAdaptation(RollbackAdaptation.newBuilder().setLastSnapshot(true)));
    }

    /**
     * Goes back to the state after so many optimiser steps, if the server still has it.
     *
     * @param step how many
     * @return the state after it
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply rollbackAdaptationTo(long step) throws InterruptedException {
        return control(control -> control.setRollbackAdaptation(RollbackAdaptation.newBuilder().setStep(step)));
    }

    /**
     * Asks for the state that the frames sent before leave.
     *
     * @return with the snapshot, for {@link SessionOptions.Builder#adaptationSnapshot}
     * @throws InterruptedException where its thread is interrupted
     * @throws RequestException where the server did not carry it out
     */
    public ControlReply snapshotAdaptation() throws InterruptedException {
        return control(control -> control.setSnapshotAdaptation(SnapshotAdaptation.getDefaultInstance()));
    }

    private ControlReply control(Consumer<Control.Builder> action) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            checkOpen();
            long number = ++lastControl;
            var control = Control.newBuilder().setControlId(number);
            action.accept(control);
            // Null: somebody waits for it.
            replies.put(number, null);
            outbox.add(ledger.enterControl(number, AnalyzeRequest.newBuilder().setControl(control).build().toByteArray()));
            pump();
            try {
                while (replies.get(number) == null && !ended) {
                    changed.await();
                }
                var reply = replies.get(number);
                if (reply == null) {
                    throw endedException();
                }
                if (reply.hasFailed()) {
                    throw new RequestException(FailureCode.of(reply.getFailed().getCode()), reply.getFailed().getMessage(), null);
                }
                return reply;
            } finally {
                replies.remove(number);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Serves one connection after the other until the session is over. */
    private void run(Connection first) {
        LoupeException why = null;
        try {
            for (var current = first; current != null; ) {
                lock.lock();
                long before = received;
                lock.unlock();
                var broken = serve(current);
                why = broken.fault();
                current = null;
                lock.lock();
                if (received > before) {
                    outage = null;
                }
                boolean goesOn = broken.transport() && resumable && summary == null && !disposing && !channel.isClosed();
                lock.unlock();
                if (goesOn) {
                    try {
                        current = resume(why);
                    } catch (LoupeException lost) {
                        why = new ConnectionLostException(why.getMessage() + ", and the session could not be resumed: " + lost.getMessage(), lost);
                    }
                }
            }
        } catch (InterruptedException closed) {
            // By `abandon`, which has ended it.
        } catch (RuntimeException | Error problem) {
            // Of headers that are asked for, of interceptors, of memory: nobody waits for ever because of it.
            why = new ConnectionLostException("the session ended by a fault in its client: " + problem, problem);
        }
        lock.lock();
        if (completing && summary != null) {
            // A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
            why = null;
        }
        lock.unlock();
        context.removeListener(abandoning);
        end(why);
    }

    /** Writes and reads until the call is over. */
    private Break serve(Connection current) throws InterruptedException {
        current.whenReady(this::pumpAlone);
        lock.lock();
        connection = current;
        pump();
        lock.unlock();
        try {
            for (var answer = current.take(Patience.FOREVER); answer != null; answer = current.take(Patience.FOREVER)) {
                var wrong = takeIn(answer);
                if (wrong != null) {
                    return new Break(wrong, false);
                }
            }
            var status = current.status();
            return status.isOk()
                ? new Break(
                      new ConnectionLostException("the server at " + channel.shown() + " ended the session before it was completed", null),
                      false
                  )
                : new Break(Faults.session(status, current.trailers(), channel.shown()), Faults.isTransport(status));
        } finally {
            // What comes behind the end was not received: the next connection brings it again.
            lock.lock();
            connection = null;
            lock.unlock();
            current.cancel();
        }
    }

    private void pumpAlone() {
        lock.lock();
        try {
            pump();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes what is in the outbox, as long as the connection takes it. A broken transport is not its business: the thread sees it, and decides what becomes of
     * the message. Called with the lock held.
     */
    private void pump() {
        while (connection != null && !outbox.isEmpty()) {
            var next = outbox.peek();
            // Without data it has its outcome already.
            if (next.data != null) {
                if (!connection.isReady()) {
                    return;
                }
                try {
                    connection.send(next.data);
                } catch (RuntimeException problem) {
                    // Of an interceptor: it ends this call, as the thread will see, and not the thread that happens to be here.
                    connection.cancel(problem);
                    connection = null;
                    return;
                }
                if (!resumable) {
                    next.data = null;
                }
                leaveRoom(next);
            }
            outbox.remove();
        }
        if (connection != null && halfClose) {
            connection.halfClose();
        }
    }

    /** Called with the lock held. */
    private void leaveRoom(Ledger.Entry entry) {
        if (entry.waiting) {
            entry.waiting = false;
            waiting--;
            changed.signalAll();
        }
    }

    /** Says why the session cannot go on; null: it can. */
    private LoupeException takeIn(AnalyzeResponse answer) {
        lock.lock();
        try {
            if (ended) {
                return null;
            }
            changed.signalAll();
            switch (answer.getPayloadCase()) {
                case OUTCOME -> {
                    received++;
                    var settled = ledger.settle(answer.getOutcome());
                    if (settled == null) {
                        return new ConnectionLostException(
                            "the server at " +
                                channel.shown() +
                                " broke the protocol: it sent an outcome for frame " +
                                Long.toUnsignedString(answer.getOutcome().getSequence()) +
                                ", which was not waiting for one",
                            null
                        );
                    }
                    leaveRoom(settled);
                }
                case CONTROL_REPLY -> {
                    received++;
                    long number = answer.getControlReply().getControlId();
                    ledger.settleControl(number);
                    if (replies.containsKey(number)) {
                        replies.put(number, answer.getControlReply());
                    }
                }
                case EVENT -> {
                    var kind = Wire.of(EventKind.values(), answer.getEvent().getKindValue());
                    tell(new Event.ServerEvent(kind, answer.getEvent()));
                    if (kind == EventKind.TAKEN_OVER) {
                        // Taking it back would be a fight.
                        return new ConnectionLostException("another connection took over the session at " + channel.shown(), null);
                    }
                    received++;
                }
                case SUMMARY -> summary = summary == null ? answer.getSummary() : summary;
                default -> {
                    // What a newer server may send.
                }
            }
            return null;
        } finally {
            unlock();
        }
    }

    /** The next connection; what the server lacks goes first. Throws where there is none, or the server does not have the session any more. */
    private Connection resume(LoupeException why) throws InterruptedException {
        OpenSession again;
        Outage lost;
        lock.lock();
        try {
            if (outage == null) {
                outage = new Outage(grant.hasResumeWindow() ? Durations.of(grant.getResumeWindow()) : DEFAULT_WINDOW);
            }
            lost = outage;
            if (lost.isOver()) {
                throw new ConnectionLostException("each new connection broke again: " + Faults.LONG_CALLS, why);
            }
            tell(new Event.Disconnected(why, lost.left()));
            // Nothing that a server which does not know the session any more would have to keep.
            again = OpenSession.newBuilder()
                .setSessionName(opening.getSessionName())
                .setMaxResponseBytes(opening.getMaxResponseBytes())
                .setClient(opening.getClient())
                .setResumeToken(grant.getResumeToken())
                .setResponsesReceived(received)
                .setFramesAnswered(ledger.framesAnswered())
                .setControlsAnswered(ledger.controlsAnswered())
                .build();
        } finally {
            unlock();
        }
        var next = channel.reconnect(lost, () -> channel.open(again, trace, Channel.RECONNECT_TIMEOUT));
        if (!next.grant().getResumed()) {
            next.connection().cancel();
            var reason = next
                .grant()
                .getUnavailableList()
                .stream()
                .filter(part -> part.getFeature().equals("resume_token"))
                .map(part -> part.getReason())
                .findFirst()
                .orElse("it was restarted, or its resume window has passed");
            throw new ConnectionLostException("the server at " + channel.shown() + " does not have the session any more: " + reason, null);
        }
        lock.lock();
        try {
            failWhatDoesNotPass(next.grant());
            // Although its writer was told otherwise.
            ledger.unanswered(true, next.grant().getNextSequence(), next.grant().getControlsReceived()).forEach(this::leaveRoom);
            var missing = ledger.unanswered(false, next.grant().getNextSequence(), next.grant().getControlsReceived());
            outbox.clear();
            outbox.addAll(missing);
            tell(
                new Event.Resumed(
                    lost.elapsed(),
                    (int) missing
                        .stream()
                        .filter(entry -> entry.isFrame)
                        .count()
                )
            );
        } finally {
            unlock();
        }
        return next.connection();
    }

    /** A frame over which every connection breaks would take along all others, until the server's window has passed. Called with the lock held. */
    private void failWhatDoesNotPass(SessionGrant now) {
        var here = new Reached(now.getNextSequence(), now.getControlsReceived(), received);
        timesReached = here.equals(reached) ? timesReached + 1 : 1;
        reached = here;
        var missing = ledger.unanswered(false, now.getNextSequence(), now.getControlsReceived());
        if (timesReached < MAX_BREAKS_OVER_ONE_FRAME || missing.isEmpty() || !missing.get(0).isFrame) {
            return;
        }
        var blocked = missing.get(0);
        double size = blocked.data.length / 1048576.0;
        ledger.withdraw(
            blocked,
            FailureCode.CONNECTION_LOST,
            String.format(
                Locale.ROOT,
                "the connection to %s broke %d times while this frame of %.1f MiB was sent: %s",
                channel.shown(),
                timesReached,
                size,
                Faults.LARGE_MESSAGES
            )
        );
        leaveRoom(blocked);
        timesReached = 0;
        changed.signalAll();
    }

    /** Called with the lock held. */
    private void tell(Event event) {
        events.add(event);
        if (events.size() > MAX_EVENTS) {
            events.remove();
        }
        changed.signalAll();
        log(event instanceof Event.Disconnected ? System.Logger.Level.WARNING : System.Logger.Level.INFO, event.toString());
    }

    /** Called with the lock held. */
    private void log(System.Logger.Level level, String message) {
        logs.add(() -> channel.options.logger.log(level, "session {0} ({1}): {2}", grant.getSessionId(), opening.getSessionName(), message));
    }

    /** Lets the lock go, and then says what there is to say: who listens may ask the session. */
    private void unlock() {
        var said = List.copyOf(logs);
        logs.clear();
        boolean ours = !said.isEmpty() && Thread.currentThread() == thread;
        talking |= ours;
        lock.unlock();
        try {
            said.forEach(Runnable::run);
        } finally {
            if (ours) {
                lock.lock();
                talking = false;
                if (disposing) {
                    thread.interrupt();
                }
                lock.unlock();
            }
        }
    }

    private void end(LoupeException why) {
        lock.lock();
        try {
            if (ended) {
                return;
            }
            // Who has the account misses nothing, also where it closes before the server has said goodbye.
            boolean canceled = !(completing && summary != null) && (disposing || (why != null && context.isCancelled()));
            fault = canceled ? new ConnectionLostException("the session was closed", context.cancellationCause()) : why;
            ended = true;
            if (fault != null) {
                // Whoever closes it knows.
                log(canceled ? System.Logger.Level.DEBUG : System.Logger.Level.INFO, "ended: " + fault.getMessage());
            }
            ledger.close(
                canceled ? FailureCode.CANCELED : FailureCode.CONNECTION_LOST,
                fault == null ? "the server completed the session without an outcome for this frame" : fault.getMessage()
            );
            outbox.clear();
            changed.signalAll();
        } finally {
            unlock();
        }
    }

    /** Called with the lock held. */
    private void checkCompleting() {
        if (completing) {
            throw new IllegalStateException("the session is being completed: it takes no more frames and controls");
        }
    }

    /** Called with the lock held. */
    private void checkOpen() {
        checkCompleting();
        if (ended) {
            throw endedException();
        }
    }

    /** With the stack of whoever asks. Called with the lock held. */
    private LoupeException endedException() {
        return new ConnectionLostException(fault == null ? "the session is over" : fault.getMessage(), fault);
    }

    /** Called with the lock held. */
    private void await(Patience patience) throws InterruptedException, TimeoutException {
        if (patience.left() <= 0) {
            throw new TimeoutException();
        }
        changed.awaitNanos(patience.left());
    }

    @FunctionalInterface
    private interface Waiting<T> {
        T waiting(Patience patience) throws InterruptedException, TimeoutException;
    }

    private static <T> T forever(Waiting<T> call) throws InterruptedException {
        try {
            return call.waiting(Patience.FOREVER);
        } catch (TimeoutException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static String tooLarge(int size, long limit) {
        var number = String.format(Locale.ROOT, "%.2f", limit / 1048576.0)
            .replaceAll("0+$", "")
            .replaceAll("\\.$", "");
        return String.format(
            Locale.ROOT,
            "the frame is %.1f MiB, and the limit is %s MiB (Loupe:Limits:MaxFrameBytes on the server)",
            size / 1048576.0,
            number
        );
    }
}
