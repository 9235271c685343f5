package loupegrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Objects;
import loupegrpc.v1.EncodedImage;
import loupegrpc.v1.RawImage;

/** An image as it goes over the wire: of both, the one that is not null. */
record Picture(EncodedImage encoded, RawImage raw) {
    /** Files are read here. Bytes are not copied: it must be serialised before their owner may change them. */
    static Picture read(Image image) {
        if (Objects.requireNonNull(image, "image") instanceof Image.Raw pixels) {
            var raw = RawImage.newBuilder().setData(bytes(pixels.pixels()));
            pixels.format().ifPresent(format -> raw.setFormat(format.message()));
            return new Picture(null, raw.build());
        }
        var data = image instanceof Image.File file ? contents(file) : bytes(((Image.Encoded) image).data());
        return new Picture(EncodedImage.newBuilder().setData(data).build(), null);
    }

    int size() {
        return (raw == null ? encoded.getData() : raw.getData()).size();
    }

    private static ByteString bytes(ByteBuffer buffer) {
        return UnsafeByteOperations.unsafeWrap(buffer.slice());
    }

    private static ByteString contents(Image.File file) {
        try {
            return UnsafeByteOperations.unsafeWrap(Files.readAllBytes(file.path()));
        } catch (IOException problem) {
            // The message of a NoSuchFileException is the name alone.
            throw new UncheckedIOException("cannot read " + file.path() + " (" + problem.getClass().getSimpleName() + ")", problem);
        }
    }
}
