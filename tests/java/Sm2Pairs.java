import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.stream.Collectors;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.util.encoders.Hex;

/** A second opinion on many signatures: each line is `point signature message`, in hex, the message after a dot. */
public class Sm2Pairs {
    private static final X9ECParameters CURVE = CustomNamedCurves.getByName("sm2p256v1");
    private static final ECDomainParameters DOMAIN =
        new ECDomainParameters(CURVE.getCurve(), CURVE.getG(), CURVE.getN(), CURVE.getH());

    public static void main(String[] arguments) {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        System.out.println(lines.lines().parallel().map(Sm2Pairs::answer).collect(Collectors.joining()));
    }

    private static String answer(String line) {
        String[] parts = line.split(" ");
        byte[] message = Hex.decode(parts[2].substring(1));
        SM2Signer check = new SM2Signer(PlainDSAEncoding.INSTANCE);
        check.init(false, new ECPublicKeyParameters(CURVE.getCurve().decodePoint(Hex.decode(parts[0])), DOMAIN));
        check.update(message, 0, message.length);
        return check.verifySignature(Hex.decode(parts[1])) ? "1" : "0";
    }
}
