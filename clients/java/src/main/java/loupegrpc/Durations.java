package loupegrpc;

import java.time.Duration;

/** Between Java's durations and the contract's. */
final class Durations {

    private Durations() {}

    static com.google.protobuf.Duration message(Duration duration) {
        // Both parts of the contract's have the same sign.
        long seconds = duration.isNegative() && duration.getNano() > 0 ? duration.getSeconds() + 1 : duration.getSeconds();
        return com.google.protobuf.Duration.newBuilder()
            .setSeconds(seconds)
            .setNanos((int) duration.minusSeconds(seconds).toNanos())
            .build();
    }

    static Duration of(com.google.protobuf.Duration message) {
        return Duration.ofSeconds(message.getSeconds(), message.getNanos());
    }
}
