"""`python -m verifier dev-cert`: a TLS certificate for a window in a local network.

Browsers open the camera, and keep a page through a cut, only over HTTPS or on the machine itself. This makes a small
authority for the window's own name or address: its certificate is installed on the clerks' machines once, and its key
is forgotten as soon as the one certificate is signed, so that nobody can make another. It has nothing to do with
licences: their trust comes from the registry alone.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path  # noqa: TC003  (typer reads annotations at run time)
from typing import Annotated, Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ecert.cli import entry
from ecert.cli.files import write_atomic
from ecert.errors import EcertError, Reason

DAYS: Final = 397
"""How long a certificate is good for: browsers believe none that is longer."""
FILES: Final = ("ca.crt", "window.crt", "window.key")
"""The authority's certificate for the clerks' machines; the window's certificate and key."""

_ALLOWANCE: Final = timedelta(hours=1)


def dev_cert(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="窗口的主机名或 IP 地址 The window's host names or addresses")
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="放到哪个目录 Folder to put the files in")],
) -> int:
    """制作局域网 TLS 证书：摄像头和断网可用需要 HTTPS Make a TLS certificate for a local network."""
    there = [out / name for name in FILES if (out / name).exists()]
    if there:
        raise EcertError(Reason.KEY_EXISTS, f"{there[0]} is there already")
    made = make_certificates(names, entry.now())
    out.mkdir(parents=True, exist_ok=True)
    for name, data in zip(FILES, made, strict=True):
        write_atomic(out / name, data, mode=0o600 if name.endswith(".key") else 0o644)
        entry.put(str(out / name))
    entry.say("把 ca.crt 装入窗口电脑的受信任根证书。Install ca.crt as a trusted root on the clerks' machines.")
    return entry.OK


def make_certificates(names: list[str], now: datetime) -> tuple[bytes, bytes, bytes]:
    """Return an authority's certificate, a server's that it signed, and the server's key, all in PEM.

    Args:
        names: Host names or IP addresses of the server, at least one.
        now: The clock.

    Raises:
        EcertError: a name is neither.
    """
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    authority = (
        _builder(f"ecert window CA {names[0]}"[:64], now)
        .issuer_name(_name(f"ecert window CA {names[0]}"[:64]))
        .public_key(authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(names[0][:64], now)
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return authority.public_bytes(Encoding.PEM), certificate.public_bytes(Encoding.PEM), private


def _builder(subject: str, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _ALLOWANCE)
        .not_valid_after(now - _ALLOWANCE + timedelta(days=DAYS))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise EcertError(Reason.USAGE, f"{name!r} is neither a host name in ASCII nor an IP address") from None
