"""SM2 as a key type of TUF metadata. Importing this module registers it with securesystemslib.

    "keytype": "sm2", "scheme": "sm2-sm3", "keyval": {"public": hex of 04 ‖ x ‖ y, 65 bytes}
    "keyid": SHA-256 in hex over the canonical JSON of these three, as securesystemslib computes it
    "sig": hex of the raw signature r ‖ s, 64 bytes, SM2 with SM3 and the default user ID

TUF itself lets a key be listed under any key id, so that one key could be counted twice towards a threshold. Here
a key id that is not the hash of its key is no key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import KEY_FOR_TYPE_AND_SCHEME, Key, Signature
from securesystemslib.signer import Signer as TufSigner

from ecert.errors import MalformedError, RejectedError
from ecert.sm2 import PublicKey, decode_der, encode_raw

if TYPE_CHECKING:
    from ecert.sm2 import Signer

KEY_TYPE: Final = "sm2"
SCHEME: Final = "sm2-sm3"


class Sm2Key(Key):
    """An SM2 public key in TUF metadata."""

    def __init__(self, public_key: PublicKey) -> None:
        """Describe a key whose point was checked."""
        self.sm2 = public_key
        keyval = {"public": public_key.point.hex()}
        super().__init__(_key_id(keyval), KEY_TYPE, SCHEME, keyval)

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> Sm2Key:
        """Read a key strictly.

        Raises:
            ValueError: not exactly our members, not a point on the curve, or another key's id.
        """
        try:
            key = cls(PublicKey.from_point(bytes.fromhex(key_dict["keyval"]["public"])))
        except (MalformedError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"key {keyid} is not an SM2 key: {error}") from error
        if key.keyid != keyid or key.to_dict() != key_dict:
            raise ValueError(f"key {keyid} is not written as an SM2 key is, or has another id")
        return key

    def to_dict(self) -> dict[str, Any]:
        """Return what stands in the metadata."""
        return self._to_dict()

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Verify a raw signature over `data`.

        Raises:
            UnverifiedSignatureError: it is not 64 bytes in hex, or not this key's over these bytes.
        """
        try:
            self.sm2.verify_raw(bytes.fromhex(signature.signature), data)
        except (MalformedError, RejectedError, ValueError, TypeError) as error:
            raise UnverifiedSignatureError(f"not a signature of {self.keyid}: {error}") from error


class Sm2Signer(TufSigner):
    """Signs TUF metadata with an SM2 key, wherever that key is held."""

    def __init__(self, signer: Signer) -> None:
        """Sign with `signer`."""
        self._signer = signer
        self._key = Sm2Key(signer.public_key)

    @property
    def public_key(self) -> Sm2Key:
        """The key as it stands in metadata."""
        return self._key

    def sign(self, payload: bytes) -> Signature:
        """Sign the canonical JSON of metadata.

        Raises:
            CustodyError: the key or its engine failed.
        """
        return Signature(self._key.keyid, encode_raw(*decode_der(self._signer.sign(payload))).hex())

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, *_: object) -> Sm2Signer:
        """Refuse: a key is opened where keys are held, never by what a URI in metadata says.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"an SM2 signer is not made from a URI: {priv_key_uri[:80]}")


def _key_id(keyval: dict[str, str]) -> str:
    text = encode_canonical({"keytype": KEY_TYPE, "scheme": SCHEME, "keyval": keyval})
    return hashlib.sha256(str(text).encode()).hexdigest()


KEY_FOR_TYPE_AND_SCHEME[KEY_TYPE, SCHEME] = Sm2Key
