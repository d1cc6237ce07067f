import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.pkcs.EncryptedPrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.PBES2Parameters;
import org.bouncycastle.asn1.pkcs.PBKDF2Params;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.crypto.generators.PKCS5S2ParametersGenerator;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.util.encoders.Hex;

/** A second opinion on signatures and key files: counts right answers, signs once, opens an encrypted key. */
public class Sm2Check {
    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Path folder = Path.of(arguments[0]);
        KeyFactory keys = KeyFactory.getInstance("EC", "BC");
        byte[] plain = Files.readAllBytes(folder.resolve("key.der"));
        PublicKey open = keys.generatePublic(new X509EncodedKeySpec(Files.readAllBytes(folder.resolve("spki.der"))));
        PrivateKey secret = keys.generatePrivate(new PKCS8EncodedKeySpec(plain));

        int right = 0;
        for (String line : Files.readAllLines(folder.resolve("cases"))) {
            String[] parts = line.split(" ");
            Signature check = Signature.getInstance("SM3withSM2", "BC");
            check.initVerify(open);
            check.update(Hex.decode(parts[0]));
            if (check.verify(Hex.decode(parts[1])) == Boolean.parseBoolean(parts[2])) {
                right++;
            }
        }
        Signature signer = Signature.getInstance("SM3withSM2", "BC");
        signer.initSign(secret);
        signer.update("signed by BouncyCastle".getBytes("UTF-8"));

        EncryptedPrivateKeyInfo sealed =
            EncryptedPrivateKeyInfo.getInstance(Files.readAllBytes(folder.resolve("sealed.der")));
        PBES2Parameters scheme = PBES2Parameters.getInstance(sealed.getEncryptionAlgorithm().getParameters());
        PBKDF2Params kdf = PBKDF2Params.getInstance(scheme.getKeyDerivationFunc().getParameters());
        PKCS5S2ParametersGenerator derive = new PKCS5S2ParametersGenerator(new SM3Digest());
        derive.init("correct horse".getBytes("UTF-8"), kdf.getSalt(), kdf.getIterationCount().intValueExact());
        byte[] key = ((KeyParameter) derive.generateDerivedParameters(128)).getKey();
        byte[] iv = ASN1OctetString.getInstance(scheme.getEncryptionScheme().getParameters()).getOctets();
        Cipher cipher = Cipher.getInstance("SM4/CBC/PKCS7Padding", "BC");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "SM4"), new IvParameterSpec(iv));
        boolean same = Arrays.equals(plain, cipher.doFinal(sealed.getEncryptedData()));

        System.out.println(right + " " + Hex.toHexString(signer.sign()) + " " + (same ? "same" : "different"));
    }
}
