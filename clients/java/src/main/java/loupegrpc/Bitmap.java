package loupegrpc;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;

/** A mask's pixels. Its bytes are its own; otherwise immutable. */
public final class Bitmap {

    private final int height;
    private final int width;
    private final byte[] pixels;

    /**
     * A mask of these pixels, which are not copied.
     *
     * @param height rows
     * @param width columns
     * @param pixels row by row, a byte a pixel: forged where not 0
     * @throws IllegalArgumentException where these are not {@code height} times {@code width} pixels
     */
    public Bitmap(int height, int width, byte[] pixels) {
        if (height < 0 || width < 0 || pixels.length != (long) height * width) {
            throw new IllegalArgumentException(pixels.length + " pixels are no mask of " + width + "x" + height);
        }
        this.height = height;
        this.width = width;
        this.pixels = pixels;
    }

    /**
     * Rows.
     *
     * @return how many rows it has
     */
    public int height() {
        return height;
    }

    /**
     * Columns.
     *
     * @return how many columns it has
     */
    public int width() {
        return width;
    }

    /**
     * The pixels row by row, a byte a pixel: 1 where forged, else 0.
     *
     * @return the pixels themselves, not a copy
     */
    public byte[] pixels() {
        return pixels;
    }

    /**
     * Whether a pixel is forged.
     *
     * @param x its column, from 0
     * @param y its row, from 0
     * @return whether it is forged
     * @throws IndexOutOfBoundsException where there is no such pixel
     */
    public boolean isForged(int x, int y) {
        if (x < 0 || x >= width || y < 0 || y >= height) {
            throw new IndexOutOfBoundsException("a mask of " + width + "x" + height + " has no pixel at " + x + ", " + y);
        }
        return pixels[y * width + x] != 0;
    }

    /**
     * Encodes as run lengths.
     *
     * @return the same mask
     */
    public RleMask toRle() {
        return RleMask.encode(height, width, pixels);
    }

    /**
     * The mask as a picture of one channel.
     *
     * @return 255 where forged, else 0
     * @throws IllegalArgumentException where the mask has no pixels
     */
    public BufferedImage toImage() {
        var image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
        var samples = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
        for (int i = 0; i < pixels.length; i++) {
            samples[i] = pixels[i] == 0 ? 0 : (byte) 255;
        }
        return image;
    }
}
