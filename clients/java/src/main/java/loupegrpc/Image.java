package loupegrpc;

import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/** A picture: a file, a file's bytes, or raw pixels. What it is made of is not copied until it is sent, and the caller's again once that has returned. */
public sealed interface Image {
    /**
     * A picture file.
     *
     * @param path of a JPEG, PNG, WebP, BMP, TIFF, or what else the server reads; it is read when it is sent
     */
    record File(Path path) implements Image {
        @Override
        public String toString() {
            return path.toString();
        }
    }

    /**
     * The bytes of a picture file.
     *
     * @param data from its position to its limit
     */
    record Encoded(ByteBuffer data) implements Image {}

    /**
     * Uncompressed pixels, 8 bits a sample.
     *
     * @param pixels from its position to its limit: the planes one behind the other, each of its stride times its rows
     * @param format how they lie; empty: as {@link SessionOptions.Builder#frameFormat} says
     */
    record Raw(ByteBuffer pixels, Optional<FrameFormat> format) implements Image {}

    /**
     * A picture file.
     *
     * @param path where it is; it is read when it is sent
     * @return a picture
     */
    static Image file(Path path) {
        return new File(path);
    }

    /**
     * A picture file.
     *
     * @param path where it is; it is read when it is sent
     * @return a picture
     */
    static Image file(String path) {
        return new File(Path.of(path));
    }

    /**
     * The bytes of a picture file.
     *
     * @param data all of it
     * @return a picture
     */
    static Image encoded(byte[] data) {
        return new Encoded(ByteBuffer.wrap(data));
    }

    /**
     * Pixels that lie as the session's frame format says.
     *
     * @param pixels the planes one behind the other
     * @return a picture, for sessions
     */
    static Image raw(byte[] pixels) {
        return new Raw(ByteBuffer.wrap(pixels), Optional.empty());
    }

    /**
     * Pixels.
     *
     * @param pixels the planes one behind the other
     * @param format how they lie
     * @return a picture
     */
    static Image raw(byte[] pixels, FrameFormat format) {
        return raw(ByteBuffer.wrap(pixels), format);
    }

    /**
     * Pixels, also of a direct buffer, as OpenCV and FFmpeg for Java have them.
     *
     * @param pixels the planes one behind the other, from its position to its limit
     * @param format how they lie
     * @return a picture
     */
    static Image raw(ByteBuffer pixels, FrameFormat format) {
        return new Raw(pixels, Optional.of(format));
    }

    /**
     * The pixels of any {@link BufferedImage}, copied: gray of 8 bits as GRAY8 (the samples as they are), everything else as RGB24 without its alpha.
     *
     * @param image any type, also a part of another
     * @return a picture
     */
    static Image of(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        if (image.getType() == BufferedImage.TYPE_BYTE_GRAY) {
            var samples = (byte[]) image.getRaster().getDataElements(0, 0, width, height, null);
            return raw(samples, FrameFormat.of(PixelFormat.GRAY8, width, height));
        }
        var pixels = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
        var row = new int[width];
        for (int y = 0, at = 0; y < height; y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int pixel : row) {
                pixels[at++] = (byte) (pixel >> 16);
                pixels[at++] = (byte) (pixel >> 8);
                pixels[at++] = (byte) pixel;
            }
        }
        return raw(pixels, FrameFormat.of(PixelFormat.RGB24, width, height));
    }
}
