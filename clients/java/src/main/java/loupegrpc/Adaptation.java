package loupegrpc;

import java.util.Optional;

/**
 * How a session learns while frames pass. Each 0 is the server's default; {@code AdaptationSettings} of the contract says which.
 *
 * @param learningRate AdamW's, above 0, at most 0.1
 * @param stepsPerFrame optimiser steps for each frame that adapts, 1 to 8
 * @param minConfidence frames with |score - 0.5| below it do not adapt, 0 to 0.5; negative: every frame may
 * @param everyNth only every n-th frame adapts
 * @param dualVerdictEveryNth base and adapted mask both for every n-th frame
 * @param guard what stops a session that drifts away; empty: the server's
 */
public record Adaptation(
    double learningRate,
    int stepsPerFrame,
    float minConfidence,
    int everyNth,
    int dualVerdictEveryNth,
    Optional<loupegrpc.v1.AdaptationGuard> guard
) {
    /** The server's settings. */
    public static final Adaptation STANDARD = new Adaptation(0, 0, 0, 0, 0, Optional.empty());

    /**
     * Checks the counts.
     *
     * @param learningRate AdamW's, above 0, at most 0.1
     * @param stepsPerFrame optimiser steps for each frame that adapts, 1 to 8
     * @param minConfidence frames with |score - 0.5| below it do not adapt, 0 to 0.5; negative: every frame may
     * @param everyNth only every n-th frame adapts
     * @param dualVerdictEveryNth base and adapted mask both for every n-th frame
     * @param guard what stops a session that drifts away; empty: the server's
     * @throws IllegalArgumentException where one is negative
     */
    public Adaptation {
        Options.check(
            stepsPerFrame >= 0 && everyNth >= 0 && dualVerdictEveryNth >= 0,
            "stepsPerFrame, everyNth and dualVerdictEveryNth are 0 or more"
        );
    }

    /**
     * The same with another learning rate.
     *
     * @param value above 0, at most 0.1
     * @return settings
     */
    public Adaptation withLearningRate(double value) {
        return new Adaptation(value, stepsPerFrame, minConfidence, everyNth, dualVerdictEveryNth, guard);
    }

    /**
     * The same with so many optimiser steps a frame.
     *
     * @param value 1 to 8
     * @return settings
     */
    public Adaptation withStepsPerFrame(int value) {
        return new Adaptation(learningRate, value, minConfidence, everyNth, dualVerdictEveryNth, guard);
    }

    /**
     * The same from frames that are as certain as this.
     *
     * @param value 0 to 0.5; negative: from every frame
     * @return settings
     */
    public Adaptation withMinConfidence(double value) {
        return new Adaptation(learningRate, stepsPerFrame, (float) value, everyNth, dualVerdictEveryNth, guard);
    }

    /**
     * The same from every n-th frame.
     *
     * @param value 1 or more
     * @return settings
     */
    public Adaptation withEveryNth(int value) {
        return new Adaptation(learningRate, stepsPerFrame, minConfidence, value, dualVerdictEveryNth, guard);
    }

    /**
     * The same with the dual verdict for every n-th frame.
     *
     * @param value 1 or more; 0: never
     * @return settings
     */
    public Adaptation withDualVerdictEveryNth(int value) {
        return new Adaptation(learningRate, stepsPerFrame, minConfidence, everyNth, value, guard);
    }

    /**
     * The same with another guard.
     *
     * @param value what stops a session that drifts away
     * @return settings
     */
    public Adaptation withGuard(loupegrpc.v1.AdaptationGuard value) {
        return new Adaptation(learningRate, stepsPerFrame, minConfidence, everyNth, dualVerdictEveryNth, Optional.of(value));
    }

    loupegrpc.v1.AdaptationSettings message() {
        var message = loupegrpc.v1.AdaptationSettings.newBuilder()
            .setEnabled(true)
            .setLearningRate(learningRate)
            .setStepsPerFrame(stepsPerFrame)
            .setMinConfidence(minConfidence)
            .setEveryNth(everyNth)
            .setDualVerdictEveryNth(dualVerdictEveryNth);
        guard.ifPresent(message::setGuard);
        return message.build();
    }
}
