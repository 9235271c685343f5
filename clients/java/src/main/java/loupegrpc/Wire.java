package loupegrpc;

import loupegrpc.v1.FrameOutcome;

/** From the contract's messages to what users see. */
final class Wire {

    private Wire() {}

    /**
     * An enum's constant by the contract's number, which is its ordinal; UNSPECIFIED where a newer server sent it. The way back is
     * {@link Enum#ordinal}.
     */
    static <E extends Enum<E>> E of(E[] constants, int number) {
        return constants[number > 0 && number < constants.length ? number : 0];
    }

    static Outcome outcome(FrameInfo frame, FrameOutcome answer) {
        return switch (answer.getOutcomeCase()) {
            case RESULT -> new Outcome.Result(frame, new Analysis(answer.getResult()));
            case DROPPED -> new Outcome.Dropped(
                frame,
                of(DropReason.values(), answer.getDropped().getReasonValue()),
                Durations.of(answer.getDropped().getAge())
            );
            case EXPIRED -> new Outcome.Expired(frame, Durations.of(answer.getExpired().getAge()), Durations.of(answer.getExpired().getDeadline()));
            case FAILED -> new Outcome.Failed(frame, FailureCode.of(answer.getFailed().getCode()), answer.getFailed().getMessage());
            default -> new Outcome.Failed(frame, FailureCode.INTERNAL, "the server answered with a kind of outcome that this client does not know");
        };
    }
}
