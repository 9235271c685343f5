package loupegrpc;

import java.time.Duration;

/**
 * How frames are judged together: a verdict that does not flicker, and segments in the summary.
 *
 * @param window frames older than it leave the window; zero: the server's, 1 s unless configured
 * @param maxFrames the most frames in the window; 0: the server's, 32 unless configured
 * @param minFrames the least frames that a verdict needs; 0: the server's, 3 unless configured
 */
public record OverTime(Duration window, int maxFrames, int minFrames) {
    /** As the server has it. */
    public static final OverTime STANDARD = new OverTime(Duration.ZERO, 0, 0);

    /**
     * Checks the numbers.
     *
     * @param window frames older than it leave the window; zero: the server's, 1 s unless configured
     * @param maxFrames the most frames in the window; 0: the server's, 32 unless configured
     * @param minFrames the least frames that a verdict needs; 0: the server's, 3 unless configured
     * @throws IllegalArgumentException where one is negative
     */
    public OverTime {
        Options.check(!window.isNegative(), "window is 0 or more");
        Options.check(maxFrames >= 0 && minFrames >= 0, "maxFrames and minFrames are 0 or more");
    }

    loupegrpc.v1.TemporalSettings message() {
        var message = loupegrpc.v1.TemporalSettings.newBuilder().setEnabled(true).setMaxFrames(maxFrames).setMinFrames(minFrames);
        if (!window.isZero()) {
            message.setWindow(Durations.message(window));
        }
        return message.build();
    }
}
