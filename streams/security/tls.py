"""TLS contexts from certificate files, expiry dates of certificates, why a handshake failed, and who speaks TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

HANDSHAKE_S = 3.0
ALERT_S = 0.3
"""With TLS 1.3 a server refuses a certificate only after the client's side of the handshake is over."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files are in PEM format.

    ca_file: certificates of the authorities that are trusted; empty: those of the operating system.
    certificate_file, key_file: who we are, where the server asks; a file may hold both.
    key_password: of an encrypted key; never shown.
    check_hostname: the server's certificate must name the host that was asked for.
    """

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)
    check_hostname: bool = True

    def context(self) -> ssl.SSLContext:
        """A new context, for one client: the files are read now, so that renewed certificates count from then on.

        Raises OSError (ssl.SSLError among them) for a file that can't be used.
        """
        context = ssl.create_default_context(cafile=self.ca_file or None)
        context.check_hostname = self.check_hostname
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate_file:
            # A callable: with a plain empty string OpenSSL would ask for the password at the terminal.
            context.load_cert_chain(self.certificate_file, self.key_file or None, lambda: self.key_password)
        return context


_OF_TLS = (b"\x16\x03", b"\x15\x03")
"""What an answer in TLS begins with: a part of the handshake, or an alert."""


class Handshake(NamedTuple):
    """version: such as TLSv1.3. until: the end of the server's certificate."""

    version: str
    until: datetime


def shake_hands(host: str, port: int, tls: Tls) -> Handshake:
    """Connect and look at the server. Raises ssl.SSLError when either side refuses the other, OSError."""
    with (
        socket.create_connection((host, port), HANDSHAKE_S) as plain,
        tls.context().wrap_socket(plain, server_hostname=host) as connection,
    ):
        der = connection.getpeercert(binary_form=True)
        if der is None:
            raise ssl.SSLError("the server shows no certificate")
        connection.settimeout(ALERT_S)
        with contextlib.suppress(TimeoutError):  # it waits for us to speak, and so has accepted us
            connection.recv(1)
        return Handshake(connection.version() or "", end_of(der))


def first_bytes(host: str, port: int, said: bytes, wanted: int) -> bytes:
    """What a server says first to `said`: `wanted` bytes, or fewer where it ends the connection or says no more."""
    heard = b""
    with contextlib.suppress(OSError), socket.create_connection((host, port), HANDSHAKE_S) as plain:
        plain.sendall(said)
        while len(heard) < wanted and (more := plain.recv(wanted - len(heard))):
            heard += more
    return heard


def speaks_tls(host: str, port: int) -> bool:
    """Whether a server answers the greeting of TLS in TLS, be it with a refusal. False also where nobody answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    greeting = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), greeting, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return first_bytes(host, port, greeting.read(), 2) in _OF_TLS


def fault(error: BaseException) -> str | None:
    """What one side has against the other, if `error` (or what it was raised from) says so. A connection that ended in
    the middle tells nothing: None."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"the server's certificate is not accepted: {seen.verify_message.rstrip('.')}"
        if isinstance(seen, ssl.SSLError):
            reason = (getattr(seen, "reason", None) or str(seen)).replace("_", " ").lower()
            if "alert" in reason:
                return f"the server does not accept this client: {reason}"
            if "wrong version" in reason or "record layer" in reason or "http request" in reason:
                return f"the server does not speak TLS on this port: {reason}"
        seen = seen.__cause__ or seen.__context__
    return None


def certificate_end(file: str) -> datetime:
    """The end of the first certificate of a PEM file. Raises OSError, ValueError."""
    with open(file, encoding="ascii") as lines:  # noqa: PTH123
        text = lines.read()
    begin = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
    return end_of(ssl.PEM_cert_to_DER_cert(text[begin:end]))


def end_of(der: bytes) -> datetime:
    """The end of a certificate's validity. The ssl module tells it only of certificates that it has verified.

    Certificate and its first part are sequences; in it an optional version ([0]), serial number, algorithm and issuer
    come before the validity, which is a sequence of two times.
    """
    inner, _, _ = _value(der, _value(der, 0)[0])
    at = inner
    if der[at] == 0xA0:
        at = _value(der, at)[1]
    for _ in range(3):
        at = _value(der, at)[1]
    begin = _value(der, at)[0]
    start, stop, tag = _value(der, _value(der, begin)[1])
    told = der[start:stop].decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year: 1950 to 2049
        told = ("19" if told >= "5" else "20") + told
    return datetime.strptime(told, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


_UTC_TIME = 0x17


def _value(der: bytes, at: int) -> tuple[int, int, int]:
    """Where the value of the element at `at` begins and ends, and the element's tag."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[start : start + count], "big"), start + count
    return start, start + length, tag
