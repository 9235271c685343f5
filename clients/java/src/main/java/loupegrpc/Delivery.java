package loupegrpc;

import java.time.Duration;
import java.util.Optional;

/**
 * Which frames are answered when they come too fast.
 *
 * @param mode which
 * @param stalenessBudget for {@link DeliveryMode#STALENESS_BUDGET}, where it is required
 */
public record Delivery(DeliveryMode mode, Optional<Duration> stalenessBudget) {
    /** Every frame; the sender is slowed down. */
    public static final Delivery EVERY_FRAME = new Delivery(DeliveryMode.EVERY_FRAME, Optional.empty());

    /** The freshest; those that it overtakes are dropped. */
    public static final Delivery FRESHEST = new Delivery(DeliveryMode.FRESHEST, Optional.empty());

    /**
     * Those that do not wait longer than this.
     *
     * @param budget above 0
     * @return settings
     */
    public static Delivery within(Duration budget) {
        return new Delivery(DeliveryMode.STALENESS_BUDGET, Optional.of(budget));
    }

    loupegrpc.v1.DeliveryPolicy message() {
        var message = loupegrpc.v1.DeliveryPolicy.newBuilder().setModeValue(mode.ordinal());
        stalenessBudget.ifPresent(budget -> message.setStalenessBudget(Durations.message(budget)));
        return message.build();
    }
}
