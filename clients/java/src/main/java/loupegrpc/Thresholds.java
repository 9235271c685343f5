package loupegrpc;

import java.util.OptionalDouble;

/**
 * Where a score becomes a verdict; each that is empty is the server's.
 *
 * @param low below it authentic, 0 to 1
 * @param high from it on manipulated, 0 to 1
 */
public record Thresholds(OptionalDouble low, OptionalDouble high) {
    /** The server's. */
    public static final Thresholds STANDARD = new Thresholds(OptionalDouble.empty(), OptionalDouble.empty());

    /**
     * Both.
     *
     * @param low below it authentic
     * @param high from it on manipulated
     * @return thresholds
     */
    public static Thresholds of(double low, double high) {
        return new Thresholds(OptionalDouble.of(low), OptionalDouble.of(high));
    }

    /**
     * The same with another lower one.
     *
     * @param value below it authentic
     * @return thresholds
     */
    public Thresholds withLow(double value) {
        return new Thresholds(OptionalDouble.of(value), high);
    }

    /**
     * The same with another upper one.
     *
     * @param value from it on manipulated
     * @return thresholds
     */
    public Thresholds withHigh(double value) {
        return new Thresholds(low, OptionalDouble.of(value));
    }

    loupegrpc.v1.Thresholds message() {
        return loupegrpc.v1.Thresholds.newBuilder()
            .setDefaultLow(low.isEmpty())
            .setLow((float) low.orElse(0))
            .setHigh((float) high.orElse(0))
            .build();
    }
}
