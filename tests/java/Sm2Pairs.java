import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.util.encoders.Hex;

/** A second opinion on many signatures: each line is `point signature message`, in hex, the message after a dot. */
public class Sm2Pairs {
    public static void main(String[] arguments) throws Exception {
        X9ECParameters curve = CustomNamedCurves.getByName("sm2p256v1");
        ECDomainParameters domain = new ECDomainParameters(curve.getCurve(), curve.getG(), curve.getN(), curve.getH());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        StringBuilder answers = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(" ");
            byte[] message = Hex.decode(parts[2].substring(1));
            SM2Signer check = new SM2Signer(PlainDSAEncoding.INSTANCE);
            check.init(false, new ECPublicKeyParameters(curve.getCurve().decodePoint(Hex.decode(parts[0])), domain));
            check.update(message, 0, message.length);
            answers.append(check.verifySignature(Hex.decode(parts[1])) ? '1' : '0');
        }
        System.out.println(answers);
    }
}
