package loupegrpc;

import java.time.Duration;

/**
 * Whether picture files are looked at in tiles, their pixels as they are; raw frames are always whole.
 *
 * @param policy which; unspecified: none
 * @param maxTiles of a picture, each a run of the model; 0: the server's, 256 unless configured
 * @param budget that the tiles of a picture may take on average; zero: as long as it takes
 */
public record Tiles(TilePolicy policy, int maxTiles, Duration budget) {
    /**
     * Checks the numbers.
     *
     * @param policy which; unspecified: none
     * @param maxTiles of a picture, each a run of the model; 0: the server's, 256 unless configured
     * @param budget that the tiles of a picture may take on average; zero: as long as it takes
     * @throws IllegalArgumentException where one is negative, or the budget is above 49 days
     */
    public Tiles {
        Options.check(maxTiles >= 0, "maxTiles is 0 or more");
        Options.check(!budget.isNegative() && budget.compareTo(Duration.ofDays(49)) <= 0, "budget is 0 to 49 days");
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
            .build();
    }
}
