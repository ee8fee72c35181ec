"""What a TLS connection needs: whom it trusts, and by which certificate it shows who it is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field


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
