package loupegrpc;

import java.time.Duration;

/**
 * Whether picture files are looked at in tiles, their pixels as they are, and with {@code perFrame} raw frames too.
 *
 * @param policy which; unspecified: none
 * @param maxTiles of a picture, each a run of the model; 0: the server's, 256 unless configured
 * @param budget that the tiles of a picture may take on average; zero: as long as it takes
 * @param perFrame tiles of each frame, in sessions that do not adapt; the next shows others, until all were shown; 0: each frame is looked at by itself
 * @param window with {@code perFrame}: frames whose tiles a score is made of; 0: as many as show every tile once
 */
public record Tiles(TilePolicy policy, int maxTiles, Duration budget, int perFrame, int window) {
    /**
     * Checks the numbers.
     *
     * @param policy which; unspecified: none
     * @param maxTiles of a picture, each a run of the model; 0: the server's, 256 unless configured
     * @param budget that the tiles of a picture may take on average; zero: as long as it takes
     * @param perFrame tiles of each frame, in sessions that do not adapt; 0: each frame is looked at by itself
     * @param window with {@code perFrame}: frames whose tiles a score is made of; 0: as many as show every tile once
     * @throws IllegalArgumentException where one is negative, or the budget is above 49 days
     */
    public Tiles {
        Options.check(maxTiles >= 0, "maxTiles is 0 or more");
        Options.check(perFrame >= 0, "perFrame is 0 or more");
        Options.check(window >= 0, "window is 0 or more");
        Options.check(!budget.isNegative() && budget.compareTo(Duration.ofDays(49)) <= 0, "budget is 0 to 49 days");
    }

    /**
     * Of each picture by itself.
     *
     * @param policy which; unspecified: none
     * @param maxTiles of a picture, each a run of the model; 0: the server's, 256 unless configured
     * @param budget that the tiles of a picture may take on average; zero: as long as it takes
     */
    public Tiles(TilePolicy policy, int maxTiles, Duration budget) {
        this(policy, maxTiles, budget, 0, 0);
    }

    /**
     * Some of each frame of a session, until all were shown.
     *
     * @param policy which frames
     * @param perFrame tiles of each frame
     * @return settings
     */
    public static Tiles ofEachFrame(TilePolicy policy, int perFrame) {
        return new Tiles(policy, 0, Duration.ZERO, perFrame, 0);
    }

    /**
     * As many as the server lets it.
     *
     * @param policy which pictures
     * @return settings
     */
    public static Tiles of(TilePolicy policy) {
        return of(policy, 0);
    }

    /**
     * A number of them at most.
     *
     * @param policy which pictures
     * @param maxTiles of a picture
     * @return settings
     */
    public static Tiles of(TilePolicy policy, int maxTiles) {
        return new Tiles(policy, maxTiles, Duration.ZERO);
    }

    loupegrpc.v1.TileSettings message() {
        return loupegrpc.v1.TileSettings.newBuilder()
            .setPolicyValue(policy.ordinal())
            .setMaxTiles(maxTiles)
            .setBudgetMs((int) budget.toMillis())
            .setTilesPerFrame(perFrame)
            .setWindowFrames(window)
            .build();
    }
}
