package loupegrpc;

import java.time.Duration;
import java.util.Optional;

/**
 * For {@link LoupeClient#analyzeImage}; each that is empty is the server's.
 *
 * @param thresholds where a score becomes a verdict
 * @param masks when and how masks are returned
 * @param tiles whether it is looked at in tiles
 * @param model one of the server's, by name; empty: its first
 * @param explain the language of {@link Analysis#explanation}, {@code en} or {@code zh}; empty: there are no sentences
 * @param receipt whether the server signs one: {@link Analysis#receipt}
 * @param timeout for the call with all its tries; empty: none
 */
public record ImageOptions(
    Optional<Thresholds> thresholds,
    Optional<Masks> masks,
    Optional<Tiles> tiles,
    String model,
    String explain,
    boolean receipt,
    Optional<Duration> timeout
) {
    /** The server's. */
    public static final ImageOptions STANDARD = new ImageOptions(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        "",
        "",
        false,
        Optional.empty()
    );

    /**
     * The same with thresholds.
     *
     * @param value where a score becomes a verdict
     * @return options
     */
    public ImageOptions withThresholds(Thresholds value) {
        return new ImageOptions(Optional.of(value), masks, tiles, model, explain, receipt, timeout);
    }

    /**
     * The same with settings of masks.
     *
     * @param value when and how
     * @return options
     */
    public ImageOptions withMasks(Masks value) {
        return new ImageOptions(thresholds, Optional.of(value), tiles, model, explain, receipt, timeout);
    }

    /**
     * The same in tiles.
     *
     * @param value which pictures, and how many
     * @return options
     */
    public ImageOptions withTiles(Tiles value) {
        return new ImageOptions(thresholds, masks, Optional.of(value), model, explain, receipt, timeout);
    }

    /**
     * The same by another model.
     *
     * @param value one of the server's, by name
     * @return options
     */
    public ImageOptions withModel(String value) {
        return new ImageOptions(thresholds, masks, tiles, value, explain, receipt, timeout);
    }

    /**
     * The same with sentences.
     *
     * @param value their language, {@code en} or {@code zh}
     * @return options
     */
    public ImageOptions withExplanation(String value) {
        return new ImageOptions(thresholds, masks, tiles, model, value, receipt, timeout);
    }

    /**
     * The same with a receipt.
     *
     * @return options
     */
    public ImageOptions withReceipt() {
        return new ImageOptions(thresholds, masks, tiles, model, explain, true, timeout);
    }

    /**
     * The same with a deadline.
     *
     * @param value for the call with all its tries
     * @return options
     */
    public ImageOptions withTimeout(Duration value) {
        return new ImageOptions(thresholds, masks, tiles, model, explain, receipt, Optional.of(value));
    }
}
