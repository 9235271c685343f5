package loupegrpc;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.IOException;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Where a picture was forged, in stored pixels.
 *
 * @param message as it came
 */
public record Mask(loupegrpc.v1.Mask message) {
    /**
     * The number of forged pixels, as the server counted them.
     *
     * @return pixels
     */
    public long area() {
        return message.getArea();
    }

    /**
     * The run lengths.
     *
     * @return as they came
     * @throws MaskFormatException where another encoding was asked for, or they have no size
     */
    public RleMask rle() {
        if (!message.hasRle()) {
            throw new MaskFormatException("the mask is no run lengths");
        }
        var rle = message.getRle();
        if (rle.getSizeCount() != 2) {
            throw new MaskFormatException("the mask's size has " + rle.getSizeCount() + " numbers; it must be [height, width]");
        }
        if (rle.getSize(0) < 0 || rle.getSize(1) < 0) {
            // They are unsigned.
            throw new MaskFormatException(
                "a mask of " +
                    Integer.toUnsignedString(rle.getSize(1)) +
                    "x" +
                    Integer.toUnsignedString(rle.getSize(0)) +
                    " pixels is too large to decode"
            );
        }
        return new RleMask(rle.getSize(0), rle.getSize(1), rle.getCounts());
    }

    /**
     * Decodes the mask, whatever its encoding.
     *
     * @return the mask's pixels
     * @throws MaskFormatException where it is damaged
     */
    public Bitmap bitmap() {
        if (message.hasRle()) {
            return rle().bitmap();
        }
        var image = soft();
        var samples = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
        var pixels = new byte[samples.length];
        for (int i = 0; i < samples.length; i++) {
            pixels[i] = (byte) ((samples[i] & 0xff) >> 7);
        }
        return new Bitmap(image.getHeight(), image.getWidth(), pixels);
    }

    /**
     * The soft map where {@link MaskEncoding#SOFT_PNG} was asked for; of other masks 0 and 255.
     *
     * @return one channel, {@link BufferedImage#TYPE_BYTE_GRAY}
     * @throws MaskFormatException where it is damaged
     */
    public BufferedImage soft() {
        return switch (message.getDataCase()) {
            case RLE -> rle().bitmap().toImage();
            case PNG -> read(message.getPng().newInput());
            case SOFT_PNG -> read(message.getSoftPng().newInput());
            default -> throw new MaskFormatException("the mask has an encoding that this client does not know");
        };
    }

    /**
     * The smallest box around the forged pixels.
     *
     * @return all of it 0 where there are none
     * @throws MaskFormatException where it is damaged
     */
    public Box box() {
        return message.hasRle() ? rle().box() : bitmap().toRle().box();
    }

    private static BufferedImage read(java.io.InputStream data) {
        // By name: what else is installed in this program reads no masks.
        var reader = ImageIO.getImageReadersByFormatName("png").next();
        try (var stream = new MemoryCacheImageInputStream(data)) {
            reader.setInput(stream, true, true);
            if ((long) reader.getWidth(0) * reader.getHeight(0) > RleMask.MAX_PIXELS) {
                throw new MaskFormatException("a mask of " + reader.getWidth(0) + "x" + reader.getHeight(0) + " pixels is too large to decode");
            }
            var image = reader.read(0);
            if (image.getType() == BufferedImage.TYPE_BYTE_GRAY) {
                return image;
            }
            // Of two colours or with a palette: sample by sample, as drawing would convert between colour spaces.
            var gray = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_BYTE_GRAY);
            for (int y = 0; y < image.getHeight(); y++) {
                for (int x = 0; x < image.getWidth(); x++) {
                    gray.getRaster().setSample(x, y, 0, image.getRGB(x, y) & 0xff);
                }
            }
            return gray;
        } catch (IOException | RuntimeException problem) {
            if (problem instanceof MaskFormatException known) {
                throw known;
            }
            throw new MaskFormatException("the mask is no PNG: " + problem.getMessage(), problem);
        } finally {
            reader.dispose();
        }
    }
}
