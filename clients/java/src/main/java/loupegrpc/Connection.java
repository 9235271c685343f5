package loupegrpc;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import loupegrpc.v1.AnalyzeResponse;

/** One call of a session. One thread takes what comes; messages are written by whoever holds the session's lock. */
final class Connection extends ClientCall.Listener<AnalyzeResponse> {

    private final ClientCall<byte[], AnalyzeResponse> call;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private AnalyzeResponse next;
    private Status status;
    private Metadata trailers;
    private volatile Runnable whenReady = () -> {};
    private boolean halfClosed;

    Connection(ClientCall<byte[], AnalyzeResponse> call, byte[] opening) {
        this.call = call;
        call.start(this, new Metadata());
        call.sendMessage(opening);
        call.request(1);
    }

    /** Who is told, by a thread of gRPC's, that more can be written. */
    void whenReady(Runnable listener) {
        whenReady = listener;
    }

    /** Whether a message that is sent now would be on its way soon; where not, {@link #whenReady} tells. */
    boolean isReady() {
        return call.isReady();
    }

    void send(byte[] message) {
        call.sendMessage(message);
    }

    /** Once is enough. */
    void halfClose() {
        if (!halfClosed) {
            halfClosed = true;
            call.halfClose();
        }
    }

    void cancel() {
        // Without a stack trace: nobody sees it.
        call.cancel("the client has done with this connection", null);
    }

    void cancel(RuntimeException problem) {
        call.cancel("a message could not be sent", problem);
    }

    /** The next message; null once the call is over, or patience. */
    AnalyzeResponse take(Patience patience) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (next == null && status == null) {
                if (patience.left() <= 0) {
                    return null;
                }
                changed.awaitNanos(patience.left());
            }
            var taken = next;
            next = null;
            if (taken == null) {
                return null;
            }
            call.request(1);
            return taken;
        } finally {
            lock.unlock();
        }
    }

    /** How the call ended; null where it did not. */
    Status status() {
        lock.lock();
        try {
            return status;
        } finally {
            lock.unlock();
        }
    }

    Metadata trailers() {
        lock.lock();
        try {
            return trailers;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onMessage(AnalyzeResponse message) {
        lock.lock();
        try {
            next = message;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onClose(Status why, Metadata last) {
        lock.lock();
        try {
            status = why;
            trailers = last;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onReady() {
        whenReady.run();
    }
}
