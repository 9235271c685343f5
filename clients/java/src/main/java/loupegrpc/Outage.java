package loupegrpc;

import java.time.Duration;

/** A time without a useful connection: from the first break until a connection brought an answer. */
final class Outage {

    private final long started = System.nanoTime();
    private final Duration window;
    int attempts;

    Outage(Duration window) {
        this.window = window;
    }

    Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - started);
    }

    Duration left() {
        return window.minus(elapsed());
    }

    boolean isOver() {
        return left().compareTo(Duration.ZERO) <= 0;
    }
}
