"""SM2 signatures, SM3 digests, SM4 encryption at rest: the only package that touches a cryptographic engine."""

from ecert.sm2.batch import Claim, verify_many
from ecert.sm2.engine import kernel_absence, secret_engine, use_engine, verify_engine
from ecert.sm2.keys import DEFAULT_USER_ID, KEY_ID_LENGTH, PrivateKey, PublicKey, Signer, sign_all
from ecert.sm2.signature import RAW_LENGTH, decode_der, decode_raw, encode_der, encode_raw
from ecert.sm2.sm3 import DIGEST_LENGTH, Sm3, hmac_sm3, sm3
from ecert.sm2.sm4 import Place, Vault

__all__ = [
    "DEFAULT_USER_ID",
    "DIGEST_LENGTH",
    "KEY_ID_LENGTH",
    "RAW_LENGTH",
    "Claim",
    "Place",
    "PrivateKey",
    "PublicKey",
    "Signer",
    "Sm3",
    "Vault",
    "decode_der",
    "decode_raw",
    "encode_der",
    "encode_raw",
    "hmac_sm3",
    "kernel_absence",
    "secret_engine",
    "sign_all",
    "sm3",
    "use_engine",
    "verify_engine",
    "verify_many",
]
