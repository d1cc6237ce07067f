import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.crypto.util.PublicKeyFactory;
import org.bouncycastle.util.encoders.Hex;

/** A second opinion on raw signatures (r, s of 32 bytes each): verifies each case, signs it anew, digests its text. */
public class RawSignatures {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        ECPublicKeyParameters open =
            (ECPublicKeyParameters) PublicKeyFactory.createKey(Files.readAllBytes(folder.resolve("spki.der")));
        ECPrivateKeyParameters secret =
            (ECPrivateKeyParameters) PrivateKeyFactory.createKey(Files.readAllBytes(folder.resolve("key.der")));
        for (String line : Files.readAllLines(folder.resolve("cases"))) {
            String[] parts = line.split(" ");
            byte[] text = Hex.decode(parts[0]);
            SM2Signer check = new SM2Signer(PlainDSAEncoding.INSTANCE);
            check.init(false, open);
            check.update(text, 0, text.length);
            boolean good = check.verifySignature(Hex.decode(parts[1]));
            SM2Signer signer = new SM2Signer(PlainDSAEncoding.INSTANCE);
            signer.init(true, secret);
            signer.update(text, 0, text.length);
            byte[] digest = new byte[32];
            SM3Digest sm3 = new SM3Digest();
            sm3.update(text, 0, text.length);
            sm3.doFinal(digest, 0);
            System.out.println(good + " " + Hex.toHexString(signer.generateSignature()) + " "
                + Base64.getEncoder().encodeToString(digest));
        }
    }
}
