package loupegrpc;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Until when somebody waits. */
record Patience(long start, long nanos) {
    static final Patience FOREVER = new Patience(0, Long.MAX_VALUE);

    static Patience of(Duration duration) {
        // As many nanoseconds as there are: 292 years.
        return new Patience(System.nanoTime(), TimeUnit.NANOSECONDS.convert(duration));
    }

    /** Nanoseconds, not above 0 once it is over. */
    long left() {
        return nanos == Long.MAX_VALUE ? nanos : nanos - (System.nanoTime() - start);
    }
}
