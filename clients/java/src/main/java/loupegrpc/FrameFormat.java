package loupegrpc;

import java.util.Arrays;
import java.util.List;

/**
 * How pixels lie in memory.
 *
 * @param pixelFormat how the samples follow each other
 * @param width pixels
 * @param height pixels
 * @param strides bytes from one row to the next, one number a plane; empty: no padding
 * @param yuvMatrix how NV12, I420 and YUYV were made from RGB; unspecified: BT.601
 * @param yuvRange the values of their samples; unspecified: limited
 */
public record FrameFormat(PixelFormat pixelFormat, int width, int height, List<Integer> strides, YuvMatrix yuvMatrix, YuvRange yuvRange) {
    /**
     * Checks that the numbers can be sizes.
     *
     * @param pixelFormat how the samples follow each other
     * @param width pixels
     * @param height pixels
     * @param strides bytes from one row to the next, one number a plane; empty: no padding
     * @param yuvMatrix how NV12, I420 and YUYV were made from RGB; unspecified: BT.601
     * @param yuvRange the values of their samples; unspecified: limited
     * @throws IllegalArgumentException where one is negative
     */
    public FrameFormat {
        strides = List.copyOf(strides);
        for (int size : new int[] { width, height, strides.stream().mapToInt(Integer::intValue).min().orElse(0) }) {
            if (size < 0) {
                throw new IllegalArgumentException(size + " is no size of a picture or stride of its rows");
            }
        }
    }

    /**
     * Rows without padding.
     *
     * @param pixelFormat how the samples follow each other
     * @param width pixels
     * @param height pixels
     * @return a format
     */
    public static FrameFormat of(PixelFormat pixelFormat, int width, int height) {
        return new FrameFormat(pixelFormat, width, height, List.of(), YuvMatrix.UNSPECIFIED, YuvRange.UNSPECIFIED);
    }

    /**
     * The same with padded rows.
     *
     * @param strides bytes from one row to the next, one number a plane
     * @return another format
     */
    public FrameFormat withStrides(int... strides) {
        return new FrameFormat(pixelFormat, width, height, Arrays.stream(strides).boxed().toList(), yuvMatrix, yuvRange);
    }

    /**
     * The same, made from RGB in another way.
     *
     * @param matrix BT.601 or BT.709
     * @param range limited or full
     * @return another format
     */
    public FrameFormat withYuv(YuvMatrix matrix, YuvRange range) {
        return new FrameFormat(pixelFormat, width, height, strides, matrix, range);
    }

    loupegrpc.v1.FrameFormat message() {
        return loupegrpc.v1.FrameFormat.newBuilder()
            .setPixelFormatValue(pixelFormat.ordinal())
            .setWidth(width)
            .setHeight(height)
            .addAllStrides(strides)
            .setYuvMatrixValue(yuvMatrix.ordinal())
            .setYuvRangeValue(yuvRange.ordinal())
            .build();
    }
}
