package loupegrpc;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A picture with what a session is to know about it.
 *
 * @param image the picture
 * @param id the caller's own number, echoed; any 64 bits ({@link Long#toUnsignedString}), duplicates are allowed; empty: how many frames the session was given
 *     before
 * @param captureTime for the summary's timeline; empty: not known
 * @param deadline how long after its receipt the outcome is of use; later it is {@link Outcome.Expired}; empty: for ever
 */
public record Frame(Image image, OptionalLong id, Optional<Instant> captureTime, Optional<Duration> deadline) {
    /**
     * Checks that nothing is null.
     *
     * @param image the picture
     * @param id the caller's own number, echoed; any 64 bits ({@link Long#toUnsignedString}), duplicates are allowed; empty: how many frames the session was given
     *     before
     * @param captureTime for the summary's timeline; empty: not known
     * @param deadline how long after its receipt the outcome is of use; later it is {@link Outcome.Expired}; empty: for ever
     */
    public Frame {
        Objects.requireNonNull(image, "image");
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(captureTime, "captureTime");
        Objects.requireNonNull(deadline, "deadline");
    }

    /**
     * A frame of which nothing more is to be known.
     *
     * @param image the picture
     * @return a frame
     */
    public static Frame of(Image image) {
        return new Frame(image, OptionalLong.empty(), Optional.empty(), Optional.empty());
    }

    /**
     * The same with the caller's own number.
     *
     * @param id any 64 bits
     * @return another frame
     */
    public Frame withId(long id) {
        return new Frame(image, OptionalLong.of(id), captureTime, deadline);
    }

    /**
     * The same with the time at which it was taken.
     *
     * @param captureTime for the summary's timeline
     * @return another frame
     */
    public Frame withCaptureTime(Instant captureTime) {
        return new Frame(image, id, Optional.of(captureTime), deadline);
    }

    /**
     * The same with a deadline.
     *
     * @param deadline after its receipt by the server
     * @return another frame
     */
    public Frame withDeadline(Duration deadline) {
        return new Frame(image, id, captureTime, Optional.of(deadline));
    }

    loupegrpc.v1.Frame message(long number, Picture picture) {
        var message = loupegrpc.v1.Frame.newBuilder().setFrameId(number);
        captureTime.ifPresent(time ->
            message.setCaptureTime(com.google.protobuf.Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()))
        );
        deadline.ifPresent(time -> message.setDeadline(Durations.message(time)));
        return (picture.raw() == null ? message.setEncoded(picture.encoded()) : message.setRaw(picture.raw())).build();
    }
}
