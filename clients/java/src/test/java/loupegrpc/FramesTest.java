package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class FramesTest {

    private static byte[] pixels(Image image) {
        return Picture.read(image).raw().getData().toByteArray();
    }

    private static FrameFormat format(Image image) {
        return ((Image.Raw) image).format().orElseThrow();
    }

    @Test
    void picturesOfJavaBecomePixels() {
        for (int type : new int[] {
            BufferedImage.TYPE_INT_ARGB,
            BufferedImage.TYPE_INT_RGB,
            BufferedImage.TYPE_3BYTE_BGR,
            BufferedImage.TYPE_4BYTE_ABGR,
        }) {
            var colour = new BufferedImage(3, 2, type);
            colour.setRGB(1, 0, 0xff010203);
            colour.setRGB(2, 1, 0xffc86432);
            var image = Image.of(colour);
            assertEquals(FrameFormat.of(PixelFormat.RGB24, 3, 2), format(image));
            assertArrayEquals(new byte[] { 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte) 200, 100, 50 }, pixels(image));
            assertArrayEquals(new byte[] { 1, 2, 3, 0, 0, 0 }, pixels(Image.of(colour.getSubimage(1, 0, 2, 1))));
        }
    }

    @Test
    void grayIsGrayAsItIs() {
        var gray = new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_GRAY);
        for (int i = 0; i < 16; i++) {
            gray.getRaster().setSample(i % 4, i / 4, 0, 10 * i);
        }
        var part = Image.of(gray.getSubimage(1, 1, 2, 2));
        assertEquals(FrameFormat.of(PixelFormat.GRAY8, 2, 2), format(part));
        assertArrayEquals(new byte[] { 50, 60, 90, 100 }, pixels(part));
    }

    @Test
    void buffersAreReadFromTheirPositionToTheirLimitAndLeftAlone() {
        for (var buffer : new ByteBuffer[] { ByteBuffer.allocate(6), ByteBuffer.allocateDirect(6) }) {
            buffer
                .put(new byte[] { 1, 2, 3, 4, 5, 6 })
                .position(1)
                .limit(4);
            assertArrayEquals(new byte[] { 2, 3, 4 }, pixels(Image.raw(buffer, FrameFormat.of(PixelFormat.GRAY8, 3, 1))));
            assertEquals(1, buffer.position());
            assertEquals(4, buffer.limit());
        }
    }

    @Test
    void aFrameSaysWhatIsSaidOfIt() {
        var format = FrameFormat.of(PixelFormat.NV12, 4, 2).withStrides(8, 8).withYuv(YuvMatrix.BT709, YuvRange.FULL);
        var frame = Frame.of(Image.raw(new byte[24], format))
            .withId(-1)
            .withCaptureTime(Instant.ofEpochSecond(5, 7))
            .withDeadline(Duration.ofMillis(1500));
        var message = frame.message(frame.id().orElseThrow(), Picture.read(frame.image()));
        assertEquals("18446744073709551615", Long.toUnsignedString(message.getFrameId()));
        assertEquals(5, message.getCaptureTime().getSeconds());
        assertEquals(7, message.getCaptureTime().getNanos());
        assertEquals(Duration.ofMillis(1500), Durations.of(message.getDeadline()));
        var sent = message.getRaw().getFormat();
        assertEquals(loupegrpc.v1.PixelFormat.PIXEL_FORMAT_NV12, sent.getPixelFormat());
        assertEquals(java.util.List.of(8, 8), sent.getStridesList());
        assertEquals(loupegrpc.v1.YuvMatrix.YUV_MATRIX_BT709, sent.getYuvMatrix());
        assertEquals(loupegrpc.v1.YuvRange.YUV_RANGE_FULL, sent.getYuvRange());
        // Both parts have one sign.
        var negative = Durations.message(Duration.ofMillis(-1500));
        assertEquals(-1, negative.getSeconds());
        assertEquals(-500_000_000, negative.getNanos());
        assertEquals(Duration.ofMillis(-1500), Durations.of(negative));
    }

    @Test
    void whatIsNoPictureIsRefused() {
        var missing = assertThrows(UncheckedIOException.class, () -> Picture.read(Image.file("no/such/file.jpg")));
        assertTrue(missing.getMessage().contains("no/such/file.jpg"));
        assertTrue(missing.getCause() instanceof NoSuchFileException);
        assertThrows(NullPointerException.class, () -> Frame.of(null));
        assertThrows(IllegalArgumentException.class, () -> FrameFormat.of(PixelFormat.GRAY8, -1, 2));
        assertThrows(IllegalArgumentException.class, () -> FrameFormat.of(PixelFormat.GRAY8, 1, 2).withStrides(-4));
    }
}
