r"""Small secrets in a file, under a passphrase.

    "ecert secret 1\n" ‖ salt (16 bytes) ‖ nonce (12) ‖ SM4-GCM, its tag last

The key is PBKDF2-HMAC-SM3 of the passphrase and the salt; the additional data is the first line.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from ecert.errors import CustodyError, MalformedError, Reason, RejectedError
from ecert.sm2.encoding import ITERATIONS
from ecert.sm2.sm4 import KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH, decrypt_gcm, encrypt_gcm

MAX_SECRET: Final = 4096
"""The longest secret in bytes."""

_LINE: Final = b"ecert secret 1\n"
_SALT: Final = 16
_HEAD: Final = len(_LINE) + _SALT + NONCE_LENGTH


def encrypt_secret(plain: bytes, passphrase: bytes) -> bytes:
    """Encrypt a secret of at most `MAX_SECRET` bytes.

    Raises:
        CustodyError: PASSPHRASE_MISSING; the passphrase is empty.
    """
    if not passphrase:
        raise CustodyError(Reason.PASSPHRASE_MISSING, "a secret is not encrypted under an empty passphrase")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(NONCE_LENGTH)
    return _LINE + salt + nonce + encrypt_gcm(_key(passphrase, salt), nonce, plain, _LINE)


def decrypt_secret(data: bytes, passphrase: bytes) -> bytes:
    """Decrypt what `encrypt_secret` returned.

    Raises:
        MalformedError: KEY_FILE_MALFORMED; not such a file.
        CustodyError: PASSPHRASE_WRONG; another passphrase, or a byte was changed.
    """
    if not data.startswith(_LINE) or not _HEAD + TAG_LENGTH <= len(data) <= _HEAD + MAX_SECRET + TAG_LENGTH:
        raise MalformedError(Reason.KEY_FILE_MALFORMED, "not a file with a secret under a passphrase")
    salt, nonce = data[len(_LINE) : _HEAD - NONCE_LENGTH], data[_HEAD - NONCE_LENGTH : _HEAD]
    try:
        return decrypt_gcm(_key(passphrase, salt), nonce, data[_HEAD:], _LINE)
    except RejectedError as error:
        raise CustodyError(
            Reason.PASSPHRASE_WRONG, "the passphrase does not open this secret, or it was altered"
        ) from error


def _key(passphrase: bytes, salt: bytes) -> bytes:
    return PBKDF2HMAC(hashes.SM3(), KEY_LENGTH, salt, ITERATIONS).derive(passphrase)
