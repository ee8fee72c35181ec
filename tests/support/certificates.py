"""Certificates for the tests: an authority of our own, and what it signs, by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.servers import program

LOCAL = "subjectAltName=IP:127.0.0.1"
PAST = ("200101000000Z", "200201000000Z")
FUTURE = ("200101000000Z", "491231000000Z")

_AUTHORITY = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    """Signs certificates. Everything lies in `folder`; `ca` is what its friends trust."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self.folder = folder
        self.ca, self._key = folder / "ca.pem", folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.txt").touch()
        (folder / "serial").write_text("1000\n", encoding="utf-8")
        self._settings = folder / "ca.cnf"
        self._settings.write_text(_AUTHORITY.format(folder=folder), encoding="utf-8")
        subject = ("-subj", f"/CN={name}", "-days", "3650", "-addext", "basicConstraints=critical,CA:TRUE")
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.ca, *subject)

    def signed(
        self, name: str, valid: tuple[str, str] = FUTURE, names: str = LOCAL, password: str = ""
    ) -> tuple[Path, Path]:
        """A certificate and its key, in PEM files. valid: from and until, as YYMMDDHHMMSSZ. password: of the key."""
        certificate, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}", "-addext", names)
        dates = ("-startdate", valid[0], "-enddate", valid[1])
        signer = ("-config", self._settings, "-cert", self.ca, "-keyfile", self._key)
        _openssl("ca", "-batch", "-notext", *signer, *dates, "-in", request, "-out", certificate)
        if password:
            plain, key = key, self.folder / f"{name}.locked.key"
            _openssl("pkcs8", "-topk8", "-in", plain, "-out", key, "-passout", f"pass:{password}")
        return certificate, key


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*words: str | Path) -> None:
    command = [program("openssl", "install OpenSSL"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr}"
