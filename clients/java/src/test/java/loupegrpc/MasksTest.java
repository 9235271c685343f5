package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import loupegrpc.v1.CocoRle;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

final class MasksTest {

    @TestFactory
    Stream<DynamicTest> masksAreThoseOfPycocotools() {
        var cases = Checkout.maskCases("tests/data/rle/cases.json");
        assertFalse(cases.isEmpty());
        return cases.stream().map(golden ->
            DynamicTest.dynamicTest(golden.name(), () -> {
                int height = (int) golden.height();
                int width = (int) golden.width();
                var packed = Base64.getDecoder().decode(golden.bits());
                var pixels = new byte[height * width];
                for (int i = 0; i < pixels.length; i++) {
                    pixels[i] = (byte) ((packed[i / 8] >> (7 - (i % 8))) & 1);
                }
                var mask = new RleMask(height, width, golden.counts());
                assertArrayEquals(pixels, mask.bitmap().pixels());
                assertEquals(golden.area(), mask.area());
                var box = mask.box();
                assertArrayEquals(golden.bbox(), new double[] { box.x(), box.y(), box.width(), box.height() });
                assertEquals(mask, new Bitmap(height, width, pixels).toRle());
            })
        );
    }

    @TestFactory
    Stream<DynamicTest> whatIsNoMaskIsRefused() {
        var refused = Checkout.maskCases("clients/scenario/refused-masks.json");
        assertFalse(refused.isEmpty());
        return refused.stream().map(bad ->
            DynamicTest.dynamicTest(bad.name(), () -> {
                var rle = CocoRle.newBuilder()
                    .addSize((int) bad.height())
                    .addSize((int) bad.width())
                    .setCounts(bad.counts());
                var mask = new Mask(loupegrpc.v1.Mask.newBuilder().setRle(rle).build());
                assertThrows(MaskFormatException.class, mask::bitmap);
                assertThrows(MaskFormatException.class, mask::box);
                assertThrows(MaskFormatException.class, () -> mask.rle().area());
            })
        );
    }

    @Test
    void whatIsNoMaskOfItsSizeIsRefused() {
        for (var mask : List.of(new RleMask(-1, 5, ""), new RleMask(0, 0, "o"), new RleMask(0, 5, "S1"), new RleMask(50_000, 50_000, "S1"))) {
            assertThrows(MaskFormatException.class, mask::bitmap, mask.toString());
            assertThrows(MaskFormatException.class, mask::box, mask.toString());
        }
        assertThrows(IllegalArgumentException.class, () -> new Bitmap(2, 2, new byte[3]));
        for (var message : List.of(
            loupegrpc.v1.Mask.getDefaultInstance(),
            loupegrpc.v1.Mask.newBuilder().setRle(CocoRle.newBuilder().addSize(3)).build(),
            loupegrpc.v1.Mask.newBuilder().setPng(ByteString.copyFromUtf8("x")).build(),
            loupegrpc.v1.Mask.newBuilder().setPng(ByteString.EMPTY).build()
        )) {
            assertThrows(MaskFormatException.class, () -> new Mask(message).bitmap(), message.toString());
            assertThrows(MaskFormatException.class, () -> new Mask(message).box(), message.toString());
        }
    }

    @Test
    void anEmptyMaskHasNoBox() {
        var empty = new Bitmap(2, 3, new byte[6]).toRle();
        assertTrue(empty.box().isEmpty());
        assertEquals(0, empty.area());
        assertEquals(0, new RleMask(0, 0, "").bitmap().pixels().length);
    }

    private static loupegrpc.v1.Mask.Builder png(BufferedImage image, boolean soft) throws IOException {
        var file = new ByteArrayOutputStream();
        assertTrue(ImageIO.write(image, "png", file));
        var bytes = ByteString.copyFrom(file.toByteArray());
        return soft ? loupegrpc.v1.Mask.newBuilder().setSoftPng(bytes) : loupegrpc.v1.Mask.newBuilder().setPng(bytes);
    }

    @Test
    void pngMasksAreRead() throws IOException {
        var soft = new BufferedImage(3, 2, BufferedImage.TYPE_BYTE_GRAY);
        soft.getRaster().setDataElements(0, 0, 3, 2, new byte[] { 0, 127, (byte) 128, (byte) 255, 3, (byte) 200 });
        var mask = new Mask(png(soft, true).setArea(3).build());
        assertArrayEquals(new byte[] { 0, 0, 1, 1, 0, 1 }, mask.bitmap().pixels());
        assertEquals(new Box(0, 0, 3, 2), mask.box());
        assertEquals(127, mask.soft().getRaster().getSample(1, 0, 0));
        assertEquals(3, mask.area());
        assertThrows(MaskFormatException.class, mask::rle);
        // Of one bit a pixel.
        var hard = new BufferedImage(3, 2, BufferedImage.TYPE_BYTE_BINARY);
        hard.setRGB(2, 1, 0xffffff);
        assertArrayEquals(new byte[] { 0, 0, 0, 0, 0, 1 }, new Mask(png(hard, false).build()).bitmap().pixels());
    }

    @Test
    void bitmapsBecomePictures() {
        var bitmap = new Bitmap(2, 2, new byte[] { 0, 1, 0, 0 });
        assertEquals(255, bitmap.toImage().getRaster().getSample(1, 0, 0));
        assertTrue(bitmap.isForged(1, 0));
        assertFalse(bitmap.isForged(0, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> bitmap.isForged(2, 0));
    }
}
