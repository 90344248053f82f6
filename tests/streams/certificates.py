"""Certificates for a test: an authority, a broker at 127.0.0.1, a client; by the program openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificates(folder: Path, *, names: str = "IP:127.0.0.1") -> Path:
    """Write ``ca.pem``, ``broker.pem`` and ``client.pem`` (each of these with its key), and ``client.key``.

    names : what the broker's certificate is for
    """
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: the test makes certificates with it")
    folder.mkdir(parents=True, exist_ok=True)
    _openssl(folder, "req", "-x509", *_new_key("ca.key"), "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
    for name, names_of in (("broker", names), ("client", "DNS:client")):
        _openssl(folder, "req", *_new_key(f"{name}.key"), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(f"subjectAltName={names_of}\n")
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext"]
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signing)
        (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())
    return folder


def _new_key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name]


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
