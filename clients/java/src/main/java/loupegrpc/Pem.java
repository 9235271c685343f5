package loupegrpc;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Reads certificates and keys, so that what is wrong with a file is told by its name and before the first call. */
final class Pem {

    private static final Pattern KEY = Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");
    /** Of a store in memory. */
    private static final char[] NO_PASSWORD = {};

    private Pem() {}

    static TrustManager[] trust(Path ca) throws IOException {
        try {
            var store = emptyStore();
            int number = 0;
            for (var certificate : certificates(ca)) {
                store.setCertificateEntry("ca-" + number++, certificate);
            }
            var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            return factory.getTrustManagers();
        } catch (GeneralSecurityException problem) {
            throw new IllegalArgumentException(ca + ": " + problem.getMessage(), problem);
        }
    }

    static KeyManager[] identity(Path certificate, Path privateKey) throws IOException {
        var chain = certificates(certificate);
        try {
            var key = key(privateKey, chain[0].getPublicKey().getAlgorithm());
            if (!belong(chain[0], key)) {
                throw new IllegalArgumentException(privateKey + " is not the key of " + certificate);
            }
            var store = emptyStore();
            store.setKeyEntry("client", key, NO_PASSWORD, chain);
            var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(store, NO_PASSWORD);
            return factory.getKeyManagers();
        } catch (GeneralSecurityException problem) {
            throw new IllegalArgumentException(privateKey + " is not the key of " + certificate + ": " + problem.getMessage(), problem);
        }
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static Certificate[] certificates(Path path) throws IOException {
        var text = Files.readAllBytes(path);
        try {
            // The parser takes DER too, and nothing at all.
            var found = new String(text, StandardCharsets.ISO_8859_1).contains("-----BEGIN CERTIFICATE-----")
                ? CertificateFactory.getInstance("X.509")
                      .generateCertificates(new ByteArrayInputStream(text))
                      .toArray(Certificate[]::new)
                : new Certificate[0];
            if (found.length == 0) {
                throw new IllegalArgumentException(path + " has no certificate in PEM");
            }
            return found;
        } catch (CertificateException problem) {
            throw new IllegalArgumentException(path + " has no certificate in PEM: " + problem.getMessage(), problem);
        }
    }

    private static PrivateKey key(Path path, String algorithm) throws IOException, GeneralSecurityException {
        var found = KEY.matcher(Files.readString(path, StandardCharsets.ISO_8859_1));
        if (!found.find()) {
            throw new IllegalArgumentException(
                path + " has no key in PEM and PKCS #8 without a password: `openssl pkcs8 -topk8 -nocrypt` makes one of others"
            );
        }
        var bytes = Base64.getMimeDecoder().decode(found.group(1));
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(bytes));
    }

    private static boolean belong(Certificate certificate, PrivateKey key) throws GeneralSecurityException {
        var algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> key.getAlgorithm();
        };
        var signer = Signature.getInstance(algorithm);
        signer.initSign(key);
        var text = new byte[] { 1, 2, 3 };
        signer.update(text);
        var signature = signer.sign();
        signer.initVerify(certificate);
        signer.update(text);
        return signer.verify(signature);
    }
}
