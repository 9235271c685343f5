package loupegrpc;

import java.time.Duration;
import java.util.Locale;

/** The one terminal outcome of one frame. */
public sealed interface Outcome {
    /**
     * Which frame it is of.
     *
     * @return its numbers
     */
    FrameInfo frame();

    /**
     * The frame was analysed.
     *
     * @param frame which
     * @param analysis what was found
     */
    record Result(FrameInfo frame, Analysis analysis) implements Outcome {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s %.3f", analysis.verdict(), analysis.score());
        }
    }

    /**
     * The frame was left out, as the delivery policy asks or because the session ended first.
     *
     * @param frame which
     * @param reason why
     * @param age since the server received it
     */
    record Dropped(FrameInfo frame, DropReason reason, Duration age) implements Outcome {
        @Override
        public String toString() {
            return "dropped: " + reason + ", after " + age;
        }
    }

    /**
     * The frame's own deadline passed before its outcome was there.
     *
     * @param frame which
     * @param age since the server received it
     * @param deadline its own
     */
    record Expired(FrameInfo frame, Duration age, Duration deadline) implements Outcome {
        @Override
        public String toString() {
            return "expired: after " + age + " of " + deadline;
        }
    }

    /**
     * The frame could not be analysed; the session goes on unless the code is {@link FailureCode#CONNECTION_LOST} and the session has a fault.
     *
     * @param frame which
     * @param code why
     * @param message why, for people
     */
    record Failed(FrameInfo frame, FailureCode code, String message) implements Outcome {
        @Override
        public String toString() {
            return code + ", " + message;
        }
    }
}
