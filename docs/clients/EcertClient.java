import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.crypto.CryptoException;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.crypto.util.SubjectPublicKeyInfoFactory;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.bouncycastle.util.encoders.Hex;

/**
 * A client of the issuing service in one file. Every request is signed with SM2 (RFC 9421); see docs/signing.md.
 *
 * <pre>
 * java -cp bcprov.jar EcertClient.java ORIGIN KEY.pem METHOD PATH [BODY.json]
 * java -cp bcprov.jar EcertClient.java https://issuing.example system.pem POST /api/v1/licences licence.json
 * </pre>
 *
 * ORIGIN is the service as it calls itself; KEY.pem a PKCS#8 file, not encrypted, whose public half is registered with
 * the service. Java 11 or later, and BouncyCastle's provider alone.
 */
public final class EcertClient {
    /** Whichever of these fields a request has is signed, besides its method and its target. */
    private static final List<String> COVERED =
        List.of("content-digest", "content-type", "content-encoding", "idempotency-key", "if-match");
    private static final long LIFETIME = 60;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String origin;
    private final ECPrivateKeyParameters key;
    private final String keyid;

    /** Calls the service at {@code origin}, e.g. {@code https://issuing.example}, with a key in PKCS#8. */
    public EcertClient(String origin, byte[] pkcs8) throws IOException {
        this.origin = origin.replaceAll("/+$", "");
        this.key = (ECPrivateKeyParameters) PrivateKeyFactory.createKey(pkcs8);
        this.keyid = keyid(key);
    }

    /**
     * Sends one request, and returns the answer whatever its status.
     *
     * @param headers more headers, e.g. If-Match. A POST without an Idempotency-Key gets one: give your own, and send the
     *     same again when no answer came; then nothing is done twice.
     */
    public HttpResponse<byte[]> request(String method, String path, byte[] body, Map<String, String> headers)
        throws IOException, InterruptedException, CryptoException {
        Map<String, String> sent = new LinkedHashMap<>();
        headers.forEach((name, value) -> sent.put(name.toLowerCase(), value));
        if (body.length > 0) {
            sent.putIfAbsent("content-type", "application/json");
        }
        if (method.equals("POST")) {
            sent.putIfAbsent("idempotency-key", Hex.toHexString(random()));
        }
        long now = Instant.now().getEpochSecond();
        String nonce = Base64.getUrlEncoder().withoutPadding().encodeToString(random());
        sent.putAll(sign(method, path, body, sent, now, nonce));
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(origin + path)).timeout(Duration.ofSeconds(30));
        sent.forEach(builder::header);
        builder.method(method, body.length > 0 ? BodyPublishers.ofByteArray(body) : BodyPublishers.noBody());
        return http.send(builder.build(), BodyHandlers.ofByteArray());
    }

    /** Returns the headers that sign a request which will have {@code headers}, by names in small letters. */
    public Map<String, String> sign(
        String method, String path, byte[] body, Map<String, String> headers, long created, String nonce)
        throws CryptoException {
        Map<String, String> added = new LinkedHashMap<>();
        if (body.length > 0) {
            added.put("content-digest", "sm3=:" + Base64.getEncoder().encodeToString(sm3(body)) + ":");
        }
        Map<String, String> lines = new LinkedHashMap<>();
        lines.put("@method", method);
        lines.put("@target-uri", origin + path);
        for (String name : COVERED) {
            String value = added.getOrDefault(name, headers.get(name));
            if (value != null) {
                lines.put(name, value);
            }
        }
        List<String> names = new ArrayList<>();
        StringBuilder base = new StringBuilder();
        lines.forEach((name, value) -> {
            names.add('"' + name + '"');
            base.append('"').append(name).append("\": ").append(value).append('\n');
        });
        String parameters = "(" + String.join(" ", names) + ");created=" + created + ";expires=" + (created + LIFETIME)
            + ";nonce=\"" + nonce + "\";alg=\"sm2-sm3\";keyid=\"" + keyid + "\";tag=\"ecert\"";
        base.append("\"@signature-params\": ").append(parameters);
        byte[] text = base.toString().getBytes(StandardCharsets.US_ASCII);
        SM2Signer signer = new SM2Signer(PlainDSAEncoding.INSTANCE); // r and s of 32 bytes each; the default user ID
        signer.init(true, new ParametersWithRandom(key, RANDOM));
        signer.update(text, 0, text.length);
        added.put("signature-input", "sig=" + parameters);
        added.put("signature", "sig=:" + Base64.getEncoder().encodeToString(signer.generateSignature()) + ":");
        return added;
    }

    /** Returns what the service calls a key: the first 8 bytes of SM3 over its SubjectPublicKeyInfo. */
    private static String keyid(ECPrivateKeyParameters key) throws IOException {
        var point = new FixedPointCombMultiplier().multiply(key.getParameters().getG(), key.getD()).normalize();
        var open = new ECPublicKeyParameters(point, key.getParameters());
        byte[] spki = SubjectPublicKeyInfoFactory.createSubjectPublicKeyInfo(open).getEncoded("DER");
        return Hex.toHexString(sm3(spki), 0, 8);
    }

    private static byte[] sm3(byte[] data) {
        SM3Digest digest = new SM3Digest();
        byte[] value = new byte[digest.getDigestSize()];
        digest.update(data, 0, data.length);
        digest.doFinal(value, 0);
        return value;
    }

    private static byte[] random() {
        byte[] bytes = new byte[16];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    /** Sends the request that the command line describes; the answer's body goes to standard output. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 4 || arguments.length > 5) {
            System.err.println("EcertClient ORIGIN KEY.pem METHOD PATH [BODY.json]");
            System.exit(2);
        }
        String pem = Files.readString(Path.of(arguments[1]));
        byte[] pkcs8 = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        byte[] body = arguments.length == 5 ? Files.readAllBytes(Path.of(arguments[4])) : new byte[0];
        EcertClient client = new EcertClient(arguments[0], pkcs8);
        HttpResponse<byte[]> answer = client.request(arguments[2], arguments[3], body, Map.of());
        System.out.write(answer.body());
        System.out.flush();
        System.err.println("HTTP " + answer.statusCode());
        System.exit(answer.statusCode() / 100 == 2 ? 0 : 1);
    }
}
