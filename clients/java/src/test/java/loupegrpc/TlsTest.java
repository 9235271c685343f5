package loupegrpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ChannelCredentials;
import io.grpc.TlsServerCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TlsTest {

    @TempDir
    Path folder;

    private Path in(String name) {
        return folder.resolve(name);
    }

    private void openssl(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        var log = in("openssl.log").toFile();
        assertEquals(0, new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(log).start().waitFor(), () ->
            read(log.toPath())
        );
    }

    private static String read(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException gone) {
            return gone.toString();
        }
    }

    /** Writes NAME.pem and NAME.key, signed by the authority; by itself where there is none. */
    private void issue(String name, String authority, String... key) throws IOException, InterruptedException {
        var arguments = new ArrayList<>(
            List.of("req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
        );
        arguments.addAll(List.of(key));
        if (authority != null) {
            arguments.addAll(List.of("-CA", authority + ".pem", "-CAkey", authority + ".key", "-addext", "subjectAltName=IP:127.0.0.1"));
            arguments.addAll(List.of("-addext", "basicConstraints=critical,CA:FALSE"));
        }
        openssl(arguments.toArray(String[]::new));
    }

    @Test
    void bothSidesShowTheirCertificatesAndWhatIsNotTrustedIsNotTalkedTo() throws Exception {
        var elliptic = new String[] { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256" };
        issue("ca", null, elliptic);
        issue("server", "ca", elliptic);
        issue("camera", "ca", "-newkey", "rsa:2048");
        var credentials = TlsServerCredentials.newBuilder()
            .keyManager(in("server.pem").toFile(), in("server.key").toFile())
            .trustManager(in("ca.pem").toFile())
            .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
            .build();
        try (var server = new FakeServer(credentials, "https", FakeServer::answerAll)) {
            var options = ClientOptions.builder().address(server.address()).unaryRetries(0);
            try (var client = new LoupeClient(options.tls(LoupeClient.loadTls(in("ca.pem"), in("camera.pem"), in("camera.key"))).build())) {
                assertEquals("fake", client.serverInfo().getServer());
                client.openSession().close();
            }
            for (ChannelCredentials bad : List.of(
                LoupeClient.loadTls(in("ca.pem")),
                LoupeClient.loadTls(null, in("camera.pem"), in("camera.key")),
                io.grpc.TlsChannelCredentials.create()
            )) {
                try (var client = new LoupeClient(options.tls(bad).build())) {
                    assertThrows(UnavailableException.class, client::serverInfo);
                }
            }
            try (var client = new LoupeClient(server.address().replace("https", "http"))) {
                assertThrows(UnavailableException.class, client::serverInfo);
            }
        }
        assertThrows(NoSuchFileException.class, () -> LoupeClient.loadTls(in("none.pem")));
        assertThrows(IllegalArgumentException.class, () -> LoupeClient.loadTls(in("ca.key")));
        assertThrows(IllegalArgumentException.class, () -> LoupeClient.loadTls(null, in("camera.pem"), in("camera.pem")));
        for (var other : List.of("server.key", "ca.key")) {
            var problem = assertThrows(IllegalArgumentException.class, () -> LoupeClient.loadTls(null, in("camera.pem"), in(other)));
            assertTrue(problem.getMessage().contains(other + " is not the key of"), problem.getMessage());
        }
        // Of the same kind, but another.
        assertThrows(IllegalArgumentException.class, () -> LoupeClient.loadTls(null, in("server.pem"), in("ca.key")));
    }
}
