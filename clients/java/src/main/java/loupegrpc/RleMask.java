package loupegrpc;

import java.util.Arrays;

/**
 * A mask as COCO's compressed run lengths, byte-identical to pycocotools: column by column, the first run of zeros.
 *
 * @param height rows
 * @param width columns
 * @param counts the run lengths as pycocotools writes them
 */
public record RleMask(int height, int width, String counts) {
    /** Most pixels of a mask that is decoded: an array has no more. A size in a message costs nothing to write. */
    static final int MAX_PIXELS = Integer.MAX_VALUE - 8;
    /** Characters of the longest number that is read; what is longer does not fit any picture. */
    private static final int MAX_CHARACTERS = 10;

    /**
     * The lengths of the runs, the first of zeros.
     *
     * @return as many pixels as the picture has
     * @throws MaskFormatException where they do not fill the picture exactly, or are none
     */
    public int[] runs() {
        if (height < 0 || width < 0 || (long) height * width > MAX_PIXELS) {
            throw new MaskFormatException("a mask of " + width + "x" + height + " pixels is too large to decode");
        }
        var runs = new int[Math.max(counts.length(), 1)];
        int count = 0;
        int total = height * width;
        int left = total;
        for (int at = 0; at < counts.length(); ) {
            long length = 0;
            int digits = 0;
            for (boolean more = true; more; at++) {
                if (at == counts.length()) {
                    throw new MaskFormatException("the run lengths stop in the middle of a number");
                }
                if (digits == MAX_CHARACTERS) {
                    throw new MaskFormatException("a run length does not fit 50 bits");
                }
                int bits = counts.charAt(at) - 48;
                if (bits < 0 || bits > 63) {
                    throw new MaskFormatException("'" + counts.charAt(at) + "' is not a character of run lengths");
                }
                length |= (long) (bits & 0x1f) << (5 * digits);
                digits++;
                more = (bits & 0x20) != 0;
                if (!more && (bits & 0x10) != 0) {
                    length -= 1L << (5 * digits);
                }
            }
            if (count > 2) {
                length += runs[count - 2];
            }
            if (length < 0 || length > left) {
                throw new MaskFormatException(
                    "run " + count + " of the mask has " + length + " pixels, " + left + " are left of " + width + "x" + height
                );
            }
            left -= (int) length;
            runs[count++] = (int) length;
        }
        if (left > 0) {
            throw new MaskFormatException("the runs of the mask end after " + (total - left) + " of " + width + "x" + height + " pixels");
        }
        return Arrays.copyOf(runs, count);
    }

    /**
     * Decodes.
     *
     * @return the mask's pixels
     * @throws MaskFormatException as {@link #runs()}
     */
    public Bitmap bitmap() {
        var runs = runs();
        var pixels = new byte[height * width];
        int position = 0;
        for (int i = 0; i < runs.length; i++) {
            if (i % 2 == 1 && runs[i] > 0) {
                int column = position / height;
                int row = position % height;
                for (int left = runs[i]; left > 0; left--) {
                    pixels[row * width + column] = 1;
                    if (++row == height) {
                        row = 0;
                        column++;
                    }
                }
            }
            position += runs[i];
        }
        return new Bitmap(height, width, pixels);
    }

    /**
     * The number of forged pixels.
     *
     * @return 0 to {@code height} times {@code width}
     * @throws MaskFormatException as {@link #runs()}
     */
    public int area() {
        var runs = runs();
        int area = 0;
        for (int i = 1; i < runs.length; i += 2) {
            area += runs[i];
        }
        return area;
    }

    /**
     * The smallest box around the forged pixels.
     *
     * @return all of it 0 where there are none
     * @throws MaskFormatException as {@link #runs()}
     */
    public Box box() {
        var runs = runs();
        int left = Integer.MAX_VALUE;
        int top = Integer.MAX_VALUE;
        int right = -1;
        int bottom = -1;
        int position = 0;
        for (int i = 0; i < runs.length; i++) {
            if (i % 2 == 1 && runs[i] > 0) {
                int last = position + runs[i] - 1;
                left = Math.min(left, position / height);
                right = Math.max(right, last / height);
                // A run that goes on into the next column touches both the bottom and the top.
                boolean across = position / height != last / height;
                top = Math.min(top, across ? 0 : position % height);
                bottom = Math.max(bottom, across ? height - 1 : last % height);
            }
            position += runs[i];
        }
        return right < 0 ? new Box(0, 0, 0, 0) : new Box(left, top, right - left + 1, bottom - top + 1);
    }

    static RleMask encode(int height, int width, byte[] pixels) {
        var counts = new StringBuilder();
        // The run being counted, and the two before it.
        int length = 0;
        int before = 0;
        int beforeThat = 0;
        int number = 0;
        boolean forged = false;
        for (int column = 0; column < width; column++) {
            for (int at = column; at < pixels.length; at += width) {
                if ((pixels[at] != 0) != forged) {
                    write(counts, number++ > 2 ? length - beforeThat : length);
                    beforeThat = before;
                    before = length;
                    length = 0;
                    forged = !forged;
                }
                length++;
            }
        }
        write(counts, number > 2 ? length - beforeThat : length);
        return new RleMask(height, width, counts.toString());
    }

    private static void write(StringBuilder counts, int difference) {
        int number = difference;
        for (boolean more = true; more; ) {
            int bits = number & 0x1f;
            number >>= 5;
            // Done where the sign is told by the last five bits.
            more = (bits & 0x10) == 0 ? number != 0 : number != -1;
            counts.append((char) ((more ? bits | 0x20 : bits) + 48));
        }
    }
}
