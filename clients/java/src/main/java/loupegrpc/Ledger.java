package loupegrpc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import loupegrpc.v1.FrameOutcome;

/**
 * What a session sent and got: every frame that entered leaves exactly once, and what a new connection has to send again is known. It knows no transport and
 * no lock, and is bounded by the session's credits.
 */
final class Ledger {

    /** A frame or control on its way. */
    static final class Entry {

        final boolean isFrame;
        /** What goes over the wire; kept until the answer is there where the session can be resumed. */
        byte[] data;
        /** Of a frame: the server's, from 0. Of a control: how many were sent before it, plus one. */
        private long number;
        private FrameInfo info;
        private Outcome outcome;
        /** Whether it takes a place among those that wait to be written. */
        boolean waiting;

        private Entry(boolean isFrame, long number, byte[] data) {
            this.isFrame = isFrame;
            this.number = number;
            this.data = data;
        }
    }

    private final boolean ordered;
    /** Outcomes that nobody took yet. */
    private final Deque<Outcome> ready = new ArrayDeque<>();
    private final Map<Long, Entry> frames = new HashMap<>();
    private final Map<Long, Entry> controls = new HashMap<>();
    private final Deque<Entry> inOrder = new ArrayDeque<>();
    /** In the order of sending. */
    private final Set<Entry> unanswered = new LinkedHashSet<>();
    private boolean closed;
    private long nextSequence;
    private int entered;
    private long lastControl;

    Ledger(boolean ordered) {
        this.ordered = ordered;
    }

    /** The index of the frame that enters next. */
    int entered() {
        return entered;
    }

    /** Nothing waits for the server. */
    boolean isIdle() {
        return unanswered.isEmpty();
    }

    boolean isClosed() {
        return closed;
    }

    /** The next outcome; null where there is none now. */
    Outcome take() {
        return ready.poll();
    }

    /** Enters a frame that is about to be sent. Call it in the order of sending. */
    Entry enterFrame(long id, byte[] data) {
        var entry = new Entry(true, nextSequence, data);
        enter(entry, new FrameInfo(id, entered, nextSequence++));
        entry.waiting = true;
        frames.put(entry.number, entry);
        unanswered.add(entry);
        return entry;
    }

    /** Enters a frame that will not be sent, with its outcome. */
    void enterFailed(long id, FailureCode code, String message) {
        var entry = new Entry(true, -1, null);
        enter(entry, new FrameInfo(id, entered, -1));
        settle(entry, new Outcome.Failed(entry.info, code, message));
    }

    Entry enterControl(long number, byte[] data) {
        var entry = new Entry(false, number, data);
        controls.put(number, entry);
        lastControl = number;
        unanswered.add(entry);
        return entry;
    }

    /** Gives a frame the outcome that the server answered; null when no frame with its number waits for one. */
    Entry settle(FrameOutcome answer) {
        var entry = frames.remove(answer.getSequence());
        if (entry != null) {
            unanswered.remove(entry);
            settle(entry, Wire.outcome(entry.info, answer));
        }
        return entry;
    }

    /** Does nothing for unknown numbers. */
    void settleControl(long number) {
        var entry = controls.remove(number);
        if (entry != null) {
            unanswered.remove(entry);
        }
    }

    /** The first frame without an outcome, or else the next one. */
    long framesAnswered() {
        return frames.keySet().stream().mapToLong(Long::longValue).min().orElse(nextSequence);
    }

    /** How many controls have their reply, of those before the first that has none. */
    long controlsAnswered() {
        return controls
            .keySet()
            .stream()
            .mapToLong(number -> number - 1)
            .min()
            .orElse(lastControl);
    }

    /** What has no answer and never arrived, or what has none and did, in the order of sending. */
    List<Entry> unanswered(boolean arrived, long serversNextSequence, long controlsReceived) {
        return unanswered
            .stream()
            .filter(entry -> arrived == (entry.isFrame ? entry.number < serversNextSequence : entry.number <= controlsReceived))
            .toList();
    }

    /** Ends a frame that never reached the server; those sent after it, which did not either, take its number and the next ones. */
    void withdraw(Entry entry, FailureCode code, String message) {
        frames.remove(entry.number);
        unanswered.remove(entry);
        settle(entry, new Outcome.Failed(entry.info, code, message));
        for (long number = entry.number + 1; number < nextSequence; number++) {
            var moved = frames.remove(number);
            if (moved != null) {
                moved.number = number - 1;
                moved.info = new FrameInfo(moved.info.id(), moved.info.index(), moved.number);
                frames.put(moved.number, moved);
            }
        }
        nextSequence--;
    }

    /** Ends every frame that still waits, and lets no other in. */
    void close(FailureCode code, String message) {
        if (closed) {
            return;
        }
        var left = new ArrayList<>(frames.values());
        left.sort(Comparator.comparingInt(entry -> entry.info.index()));
        left.forEach(entry -> settle(entry, new Outcome.Failed(entry.info, code, message)));
        frames.clear();
        controls.clear();
        unanswered.clear();
        closed = true;
    }

    private void enter(Entry entry, FrameInfo info) {
        entry.info = info;
        entered++;
        if (ordered) {
            inOrder.add(entry);
        }
    }

    private void settle(Entry entry, Outcome outcome) {
        entry.data = null;
        if (!ordered) {
            ready.add(outcome);
            return;
        }
        entry.outcome = outcome;
        for (var head = inOrder.peek(); head != null && head.outcome != null; head = inOrder.peek()) {
            ready.add(inOrder.remove().outcome);
        }
    }
}
