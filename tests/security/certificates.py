"""Certificates for servers on this machine, made anew for every test that wants one."""

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class Authority(NamedTuple):
    """Signs certificates. `path`: its own, in PEM."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    path: Path


def authority(directory: Path, name: str = "An authority of the tests") -> Authority:
    """A new authority, its certificate in `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        _builder(subject, subject, key, days=1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return Authority(key, made, path)


def server_context(
    directory: Path, signer: Authority | None, *hosts: str, days: int = 1
) -> ssl.SSLContext:
    """What a server with a certificate for `hosts` uses.

    `signer` None: it has signed its own. `days`: how long it is good for; below 0: since when not.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    issuer = subject if signer is None else signer.certificate.subject
    made = (
        _builder(subject, issuer, key, days=days)
        .add_extension(x509.SubjectAlternativeName(list(map(_general_name, hosts))), critical=False)
        .sign(key if signer is None else signer.key, hashes.SHA256())
    )
    path = directory / f"server-{made.serial_number}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
