package loupegrpc;

import java.time.Duration;
import loupegrpc.v1.SessionEvent;

/** What happens to a session by itself. */
public sealed interface Event {
    /**
     * Told by the server: draining, a guard that froze adaptation, an evicted state, another provider.
     *
     * @param kind what
     * @param message as it came
     */
    record ServerEvent(EventKind kind, SessionEvent message) implements Event {
        @Override
        public String toString() {
            return message.getMessage();
        }
    }

    /**
     * The connection broke; the session tries to go on with another. {@link Resumed} follows, or the session's end.
     *
     * @param reason why
     * @param window how long it tries
     */
    record Disconnected(LoupeException reason, Duration window) implements Event {
        @Override
        public String toString() {
            return "disconnected: " + reason.getMessage();
        }
    }

    /**
     * The session goes on where it was; no frame was lost, none is answered twice.
     *
     * @param outage how long there was no connection
     * @param framesSentAgain how many had not arrived
     */
    record Resumed(Duration outage, int framesSentAgain) implements Event {
        @Override
        public String toString() {
            return "resumed after " + outage;
        }
    }
}
