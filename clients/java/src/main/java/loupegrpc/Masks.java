package loupegrpc;

/**
 * When and how masks are returned.
 *
 * @param policy when; unspecified: when the verdict is not authentic
 * @param encoding how; unspecified: run lengths
 * @param maxBytes a longer mask is left out; 0: what fits the session's response limit
 */
public record Masks(MaskPolicy policy, MaskEncoding encoding, int maxBytes) {
    /**
     * Checks the limit.
     *
     * @param policy when; unspecified: when the verdict is not authentic
     * @param encoding how; unspecified: run lengths
     * @param maxBytes a longer mask is left out; 0: what fits the session's response limit
     * @throws IllegalArgumentException where {@code maxBytes} is negative
     */
    public Masks {
        Options.check(maxBytes >= 0, "maxBytes is 0 or more");
    }

    /**
     * Run lengths of any length.
     *
     * @param policy when
     * @return settings
     */
    public static Masks of(MaskPolicy policy) {
        return of(policy, MaskEncoding.UNSPECIFIED);
    }

    /**
     * Masks of any length.
     *
     * @param policy when
     * @param encoding how
     * @return settings
     */
    public static Masks of(MaskPolicy policy, MaskEncoding encoding) {
        return new Masks(policy, encoding, 0);
    }

    loupegrpc.v1.MaskSettings message() {
        return loupegrpc.v1.MaskSettings.newBuilder()
            .setPolicyValue(policy.ordinal())
            .setEncodingValue(encoding.ordinal())
            .setMaxBytes(maxBytes)
            .build();
    }
}
