package loupegrpc;

import io.grpc.Context;
import java.util.Iterator;
import loupegrpc.v1.SessionSummary;

/**
 * The outcomes of {@link LoupeClient#analyze}, in order, for one loop. To be used by one thread.
 *
 * <p>It throws {@link ConnectionLostException} behind the last outcome where the session broke, and what the source of frames threw, or reading a frame, behind
 * the outcomes of those before.
 */
public final class Analyses implements AutoCloseable, Iterable<Outcome>, Iterator<Outcome> {

    private final Session session;
    private final Iterator<Outcome> outcomes;
    private final Thread sender;
    // Written by the sender before it ends, read once it has.
    private SessionSummary summary;
    private Throwable broken;

    Analyses(Session session, Iterator<Frame> frames) {
        this.session = session;
        outcomes = session.iterator();
        sender = new Thread(Context.current().wrap(() -> send(frames)), "loupegrpc-sender-" + session.grant().getSessionId());
        sender.setDaemon(true);
        sender.start();
    }

    private void send(Iterator<Frame> frames) {
        try {
            try {
                while (frames.hasNext()) {
                    session.send(frames.next());
                }
            } catch (RuntimeException | Error problem) {
                broken = problem;
            }
            // Also after a source that failed: the frames already sent have outcomes to come.
            summary = session.complete();
        } catch (InterruptedException closed) {
            // By `close`.
        } catch (LoupeException lost) {
            broken = broken == null ? lost : broken;
        }
    }

    /**
     * The session that they come from, for controls and events.
     *
     * @return of which this takes all outcomes
     */
    public Session session() {
        return session;
    }

    @Override
    public Iterator<Outcome> iterator() {
        return this;
    }

    @Override
    public boolean hasNext() {
        if (outcomes.hasNext()) {
            return true;
        }
        finish();
        return false;
    }

    @Override
    public Outcome next() {
        return outcomes.next();
    }

    /**
     * The server's account of the session.
     *
     * @return once all outcomes were taken
     * @throws IllegalStateException where some are left, or there is none because of what was thrown behind them
     */
    public SessionSummary summary() {
        if (outcomes.hasNext()) {
            throw new IllegalStateException("there are outcomes left: the account is behind the last one");
        }
        finish();
        if (summary == null) {
            throw new IllegalStateException("the session was closed before it was completed");
        }
        return summary;
    }

    private void finish() {
        session.fault().ifPresent(lost -> {
            throw lost;
        });
        try {
            // The session is over, so this ends; unless its source of frames waits, which is not asked again.
            sender.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw (java.util.concurrent.CancellationException) new java.util.concurrent.CancellationException(
                "interrupted while waiting for the session's end"
            ).initCause(interrupted);
        }
        if (broken instanceof RuntimeException problem) {
            throw problem;
        }
        if (broken instanceof Error problem) {
            throw problem;
        }
    }

    /** Ends the session at once where outcomes are left: {@link Session#close}. */
    @Override
    public void close() {
        session.close();
        sender.interrupt();
    }
}
