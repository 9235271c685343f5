package loupegrpc;

/**
 * A rectangle of pixels.
 *
 * @param x columns left of it
 * @param y rows above it
 * @param width columns; 0 where it is empty
 * @param height rows; 0 where it is empty
 */
public record Box(int x, int y, int width, int height) {
    /**
     * Whether it holds no pixel.
     *
     * @return whether it holds no pixel
     */
    public boolean isEmpty() {
        return width == 0 || height == 0;
    }
}
