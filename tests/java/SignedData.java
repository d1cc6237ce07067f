import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.text.SimpleDateFormat;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.TimeZone;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampResponseGenerator;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.TimeStampTokenGenerator;
import org.bouncycastle.util.Selector;
import org.bouncycastle.util.encoders.Hex;

/**
 * BouncyCastle's opinion on signed data, timestamps and electronic seals, and some of its own making.
 * The first argument is a folder that every file name is taken from; each other argument is one task, its words
 * separated by colons. Prints one line a task: "ok" and what was read, or "refused" and why.
 */
public final class SignedData {
    private static final ASN1ObjectIdentifier GM_DATA = new ASN1ObjectIdentifier("1.2.156.10197.6.1.4.2.1");
    private static Path folder;

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        folder = Path.of(arguments[0]);
        for (String argument : Arrays.copyOfRange(arguments, 1, arguments.length)) {
            String[] task = argument.split(":");
            try {
                System.out.println("ok " + perform(task));
            } catch (Exception error) {
                System.out.println("refused " + error.getClass().getSimpleName());
            }
        }
    }

    private static String perform(String[] task) throws Exception {
        switch (task[0]) {
            case "cms":
                return verifySignedData(task[1], task.length > 2 ? task[2] : null);
            case "token":
                return verifyToken(new TimeStampToken(new CMSSignedData(read(task[1]))), task[2]);
            case "response":
                return verifyResponse(task[1], task[2], task[3]);
            case "seal":
                return verifySeal(task[1]);
            case "sealing":
                return verifySealing(task[1]);
            case "make-cms":
                return makeSignedData(task[1], task[2], Boolean.parseBoolean(task[3]));
            case "make-request":
                return makeRequest(task[1], task[2]);
            default:
                return makeToken(task[1], task[2]);
        }
    }

    private static String verifySignedData(String file, String content) throws Exception {
        CMSSignedData data = content == null
            ? new CMSSignedData(read(file))
            : new CMSSignedData(new CMSProcessableByteArray(read(content)), read(file));
        for (SignerInformation signer : data.getSignerInfos().getSigners()) {
            X509CertificateHolder holder = holder(data.getCertificates().getMatches(selector(signer)).iterator().next());
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder))) {
                throw new SecurityException("signature");
            }
        }
        return data.getSignedContentTypeOID() + " " + data.getSignerInfos().size();
    }

    private static String verifyToken(TimeStampToken token, String content) throws Exception {
        X509CertificateHolder holder = holder(token.getCertificates().getMatches(selectorOf(token)).iterator().next());
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder));
        if (!Arrays.equals(sm3(read(content)), token.getTimeStampInfo().getMessageImprintDigest())) {
            throw new SecurityException("imprint");
        }
        SimpleDateFormat form = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'");
        form.setTimeZone(TimeZone.getTimeZone("UTC"));
        return form.format(token.getTimeStampInfo().getGenTime()) + " " + token.getTimeStampInfo().getSerialNumber();
    }

    private static String verifyResponse(String request, String response, String content) throws Exception {
        TimeStampResponse answer = new TimeStampResponse(read(response));
        answer.validate(new TimeStampRequest(read(request)));
        return verifyToken(answer.getTimeStampToken(), content);
    }

    /** SESeal, V4 (domain.md 2.2): the maker signs SES_SealInfo alone. */
    private static String verifySeal(String file) throws Exception {
        ASN1Sequence seal = ASN1Sequence.getInstance(read(file));
        verify(seal.getObjectAt(1), seal.getObjectAt(0), seal.getObjectAt(3));
        return String.valueOf(ASN1Sequence.getInstance(seal.getObjectAt(0)).getObjectAt(1));
    }

    /** SES_Signature, V4: the signer signs TBS_Sign. */
    private static String verifySealing(String file) throws Exception {
        ASN1Sequence sealing = ASN1Sequence.getInstance(read(file));
        verify(sealing.getObjectAt(1), sealing.getObjectAt(0), sealing.getObjectAt(3));
        ASN1Sequence signed = ASN1Sequence.getInstance(sealing.getObjectAt(0));
        return signed.getObjectAt(4) + " " + Hex.toHexString(ASN1BitString.getInstance(signed.getObjectAt(3)).getOctets());
    }

    private static void verify(ASN1Encodable certificate, ASN1Encodable signed, ASN1Encodable value) throws Exception {
        java.security.Signature check = java.security.Signature.getInstance("SM3withSM2", "BC");
        check.initVerify(certificate(ASN1OctetString.getInstance(certificate).getOctets()).getPublicKey());
        check.update(signed.toASN1Primitive().getEncoded("DER"));
        if (!check.verify(ASN1BitString.getInstance(value).getOctets())) {
            throw new SecurityException("signature");
        }
    }

    private static String makeSignedData(String out, String content, boolean carry) throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(new JcaSignerInfoGeneratorBuilder(digests()).build(signer(), certificate()));
        generator.addCertificates(new JcaCertStore(List.of(certificate())));
        CMSSignedData made = generator.generate(new CMSProcessableByteArray(GM_DATA, read(content)), carry);
        Files.write(folder.resolve(out + ".ber"), made.getEncoded());
        Files.write(folder.resolve(out + ".der"), made.getEncoded("DER"));
        return out;
    }

    private static String makeRequest(String out, String content) throws Exception {
        TimeStampRequestGenerator generator = new TimeStampRequestGenerator();
        generator.setCertReq(true);
        TimeStampRequest request =
            generator.generate(GMObjectIdentifiers.sm3, sm3(read(content)), BigInteger.valueOf(987654321));
        Files.write(folder.resolve(out), request.getEncoded());
        return out;
    }

    private static String makeToken(String out, String request) throws Exception {
        SignerInfoGenerator signer = new JcaSignerInfoGeneratorBuilder(digests()).build(signer(), certificate());
        AlgorithmIdentifier sm3 = new AlgorithmIdentifier(GMObjectIdentifiers.sm3, DERNull.INSTANCE);
        TimeStampTokenGenerator tokens =
            new TimeStampTokenGenerator(signer, digests().get(sm3), new ASN1ObjectIdentifier("1.2.3.4"));
        tokens.addCertificates(new JcaCertStore(List.of(certificate())));
        tokens.setAccuracyMillis(500);
        TimeStampResponseGenerator responses =
            new TimeStampResponseGenerator(tokens, java.util.Set.of(GMObjectIdentifiers.sm3.getId()));
        TimeStampResponse response = responses.generate(
            new TimeStampRequest(read(request)), BigInteger.valueOf(77), new Date(1795507200123L));
        Files.write(folder.resolve(out + ".response"), response.getEncoded());
        Files.write(folder.resolve(out + ".der"), response.getTimeStampToken().getEncoded("DER"));
        Files.write(folder.resolve(out + ".ber"), response.getTimeStampToken().getEncoded());
        return out;
    }

    private static org.bouncycastle.operator.DigestCalculatorProvider digests() throws Exception {
        return new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
    }

    private static ContentSigner signer() throws Exception {
        PrivateKey key =
            KeyFactory.getInstance("EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(read("key.der")));
        return new JcaContentSignerBuilder("SM3withSM2").setProvider("BC").build(key);
    }

    private static X509Certificate certificate() throws Exception {
        return certificate(read("certificate.der"));
    }

    private static X509Certificate certificate(byte[] der) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", "BC")
            .generateCertificate(new ByteArrayInputStream(der));
    }

    private static byte[] sm3(byte[] data) {
        SM3Digest digest = new SM3Digest();
        digest.update(data, 0, data.length);
        byte[] out = new byte[32];
        digest.doFinal(out, 0);
        return out;
    }

    private static X509CertificateHolder holder(Object found) {
        return (X509CertificateHolder) found;
    }

    @SuppressWarnings("unchecked")
    private static Selector<X509CertificateHolder> selector(SignerInformation signer) {
        return signer.getSID();
    }

    @SuppressWarnings("unchecked")
    private static Selector<X509CertificateHolder> selectorOf(TimeStampToken token) {
        return token.getSID();
    }

    private static byte[] read(String file) throws Exception {
        return Files.readAllBytes(folder.resolve(file));
    }
}
