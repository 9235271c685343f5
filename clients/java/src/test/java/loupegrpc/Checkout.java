package loupegrpc;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** What tests need of the checkout that they belong to. */
final class Checkout {

    /** A case of the tables of masks. */
    record MaskCase(String name, long height, long width, String counts, int area, double[] bbox, String bits) {}

    private Checkout() {}

    static Path file(String path) {
        return Path.of(Optional.ofNullable(System.getenv("LOUPE_ROOT")).orElse("../..")).resolve(path);
    }

    /** The address of a real server; run-tests.sh starts it. */
    static String realServer() {
        var address = System.getenv("LOUPE_ADDRESS");
        Assumptions.assumeTrue(address != null, "LOUPE_ADDRESS is not set");
        return address;
    }

    static List<MaskCase> maskCases(String path) {
        try (var reader = Files.newBufferedReader(file(path))) {
            // Gson 2.10 reads records.
            return new Gson().fromJson(reader, new TypeToken<List<MaskCase>>() {}.getType());
        } catch (IOException missing) {
            throw new java.io.UncheckedIOException(missing);
        }
    }
}
