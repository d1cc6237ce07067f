import java.io.FileInputStream;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/**
 * BouncyCastle's opinion. Each argument is one question: kind:signer.der:subject.der, kind being certificate, crl
 * or request (whose signer is itself). Prints one line each: "ok" and what was read, or "refused" and why.
 */
public final class VerifyX509 {
    private static CertificateFactory factory;

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        factory = CertificateFactory.getInstance("X.509", "BC");
        for (String argument : arguments) {
            String[] parts = argument.split(":");
            try {
                System.out.println("ok " + verify(parts[0], parts[1], parts[2]));
            } catch (Exception error) {
                System.out.println("refused " + error.getClass().getSimpleName());
            }
        }
    }

    private static String verify(String kind, String signer, String subject) throws Exception {
        switch (kind) {
            case "certificate": {
                X509Certificate certificate = certificate(subject);
                certificate.verify(certificate(signer).getPublicKey(), "BC");
                return certificate.getSerialNumber() + " ca=" + certificate.getBasicConstraints() + " eku="
                    + certificate.getExtendedKeyUsage();
            }
            case "crl": {
                X509CRL list = crl(subject);
                PublicKey key = certificate(signer).getPublicKey();
                list.verify(key, "BC");
                StringBuilder read = new StringBuilder();
                for (X509CRLEntry entry : list.getRevokedCertificates()) {
                    BigInteger serial = entry.getSerialNumber();
                    read.append(serial).append('=').append(entry.getRevocationReason()).append(' ');
                }
                return read.toString().trim();
            }
            default: {
                PKCS10CertificationRequest request = new PKCS10CertificationRequest(Files.readAllBytes(Path.of(subject)));
                boolean fits = request.isSignatureValid(
                    new JcaContentVerifierProviderBuilder().setProvider("BC").build(request.getSubjectPublicKeyInfo()));
                if (!fits) {
                    throw new SecurityException("signature");
                }
                return request.getSubject().toString();
            }
        }
    }

    private static X509Certificate certificate(String path) throws Exception {
        try (InputStream in = new FileInputStream(path)) {
            return (X509Certificate) factory.generateCertificate(in);
        }
    }

    private static X509CRL crl(String path) throws Exception {
        try (InputStream in = new FileInputStream(path)) {
            return (X509CRL) factory.generateCRL(in);
        }
    }
}
