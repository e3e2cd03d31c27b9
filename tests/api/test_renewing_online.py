"""`soky renew --tsa --host`, as typed, against a timestamp authority of other code: certomancer, over HTTP on this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509 import load_der_x509_certificate
from werkzeug.serving import make_server

import signing
from signing.demo.certificates import new_key
from tests.signing.conftest import build_pdf

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("root", "interm", "ocsp", "old", "new", "signer")
CONFIG = """
keysets:
  keys:
    path-prefix: .
    keys: {root: {path: root.pem}, interm: {path: interm.pem}, ocsp: {path: ocsp.pem},
           old: {path: old.pem}, new: {path: new.pem}, signer: {path: signer.pem}}
pki-architectures:
  archive:
    keyset: keys
    entity-defaults: {country-name: VN, organization-name: "THU NGHIEM"}
    entities:
      root: {common-name: "Root"}
      interm: {common-name: "Issuing"}
      ocsp: {common-name: "Responder"}
      old: {common-name: "TSA until 2030"}
      new: {common-name: "TSA until 2044"}
      signer: {common-name: "Signer"}
    certs:
      root: {subject: root, issuer: root,
             validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"},
             profiles: [{id: simple-ca, params: {crl-repo: root}}]}
      interm: {subject: interm, issuer: root,
               validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"},
               profiles: [{id: simple-ca, params: {max-path-len: 0, crl-repo: interm, ocsp-service: interm}}]}
      ocsp: {subject: ocsp, issuer: interm,
             validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"},
             profiles: [{id: ocsp-responder}]}
      old:
        subject: old
        issuer: interm
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2030-01-01T00:00:00+0000"}
        extensions:
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature]}}
          - {id: extended_key_usage, critical: true, value: [time_stamping]}
      new:
        subject: new
        issuer: interm
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2044-01-01T00:00:00+0000"}
        extensions:
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature]}}
          - {id: extended_key_usage, critical: true, value: [time_stamping]}
      signer: {subject: signer, issuer: interm,
               validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"},
               profiles: [{id: digsig-commitment}]}
    services:
      ocsp: {interm: {for-issuer: interm, responder-cert: ocsp, signing-key: ocsp}}
      crl-repo:
        root: {for-issuer: root, signing-key: root, simulated-update-schedule: P1D}
        interm: {for-issuer: interm, signing-key: interm, simulated-update-schedule: P1D}
      time-stamping: {old: {signing-key: old, signing-cert: old}, new: {signing-key: new, signing-cert: new}}
"""


@dataclass
class Online:
    """The authorities' web server; `pause` seconds before each timestamp; `down`: paths that answer 503."""

    folder: Path
    host: str = ""
    animator: Any = None
    certificates: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    pause: float = 0.0
    down: tuple[str, ...] = ()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The WSGI application."""
        path = environ["PATH_INFO"]
        self.asked.append(path)
        if any(part in path for part in self.down):
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        if "/tsa/" in path:
            time.sleep(self.pause)
        return self.animator(environ, start_response)

    def tsa(self, name: str) -> str:
        """The address of an authority."""
        return f"http://{self.host}/archive/tsa/{name}"

    @property
    def trust(self) -> Path:
        """The anchor."""
        return self.folder / "trust.pem"

    @property
    def evidence(self) -> signing.HttpEvidence:
        """Who may be asked about revocation."""
        return signing.HttpEvidence(hosts=["127.0.0.1"], known=[self.certificates["root"]])


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Online]:
    """A running server."""
    made = Online(folder=tmp_path_factory.mktemp("online"))
    keys: dict[str, ec.EllipticCurvePrivateKey] = {}
    for name in NAMES:
        key = new_key("p256")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        keys[name] = key
        (made.folder / f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = make_server("127.0.0.1", 0, made, threaded=True)
    made.host = f"127.0.0.1:{server.server_port}"
    config = CertomancerConfig.from_yaml(CONFIG, key_search_dir=str(made.folder), external_url_prefix=f"http://{made.host}")
    architecture = config.get_pki_arch(ArchLabel("archive"))
    made.certificates = {name: bytes(architecture.get_cert(CertLabel(name)).dump()) for name in NAMES}
    made.animator = Animator(AnimatorArchStore(config.pki_archs), with_web_ui=False)
    root, middle, own = (load_der_x509_certificate(made.certificates[name]) for name in ("root", "interm", "signer"))
    made.trust.write_bytes(root.public_bytes(Encoding.PEM))
    held = pkcs12.serialize_key_and_certificates(b"a", keys["signer"], own, [middle, root], BestAvailableEncryption(b"123456"))
    (made.folder / "signer.p12").write_bytes(held)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def archived(online: Online) -> bytes:
    """Signed, with everything, and an archive timestamp of the authority that ends in 2030."""
    pdf = build_pdf({"principal_signs": (60, 120, 220, 180), "archive_timestamp": (0, 0, 0, 0)})
    with signing.open_signer(f"file:{online.folder / 'signer.p12'}", lambda _: "123456") as signer:
        return signing.sign(
            pdf,
            signing.SignRequest(field="principal_signs", level=signing.Level.B_LTA),
            signer,
            timestamper=signing.HttpTimestamper([online.tsa("old")]),
            evidence=online.evidence,
            trust=signing.Trust.load([online.trust]),
        )


@pytest.fixture
def shelf(archived: bytes, online: Online, tmp_path: Path) -> Path:
    """Six archived files in two folders, and one whose content was changed."""
    online.pause, online.down = 0.0, ()
    (tmp_path / "shelf" / "2026").mkdir(parents=True)
    for number in range(6):
        (tmp_path / "shelf" / ("2026" if number % 2 else ".") / f"{number}.pdf").write_bytes(archived)
    at = archived.index(b"So diem")
    (tmp_path / "shelf" / "2026" / "bad.pdf").write_bytes(archived[:at] + b"X" + archived[at + 1 :])
    return tmp_path / "shelf"


def command(shelf: Path, online: Online, *more: str, tsa: tuple[str, ...] = ("new",)) -> list[str]:
    """The words as they are typed: due is what loses its force before 2031."""
    addresses = [word for name in tsa for word in ("--tsa", online.tsa(name))]
    words = ["--host", "127.0.0.1", "--trust", str(online.trust), "--before", "2031-01-01T00:00:00+00:00", "--json"]
    return [sys.executable, "-m", "api.cli", "renew", str(shelf), *addresses, *words, *more]


def renewed(shelf: Path, online: Online, *more: str, tsa: tuple[str, ...] = ("new",)) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and each file's line."""
    ran = subprocess.run(
        command(shelf, online, *more, tsa=tsa), capture_output=True, text=True, cwd=ROOT, check=False, timeout=180
    )
    assert ran.stderr == ""
    return ran.returncode, {Path(line["file"]).name: line for line in map(json.loads, ran.stdout.splitlines())}


def stamps(content: bytes, online: Online) -> int:
    """How many document timestamps a file has, all of whose signatures pass."""
    report = signing.verify(content, signing.Trust.load([online.trust]))
    assert report.passed, report
    return sum(each.kind == "doc_timestamp" for each in report.signatures)


def test_every_due_file_is_renewed_and_a_bad_one_is_reported(shelf: Path, online: Online, archived: bytes) -> None:
    """Six hold until 2044 now, each beginning with what it was; the changed one is as it was, with its reason; exit code 1."""
    bad = (shelf / "2026" / "bad.pdf").read_bytes()
    code, told = renewed(shelf, online)
    good = [path for path in shelf.rglob("*.pdf") if path.name != "bad.pdf"]

    assert code == 1
    assert {name: line["outcome"] for name, line in told.items() if name != "bad.pdf"} == dict.fromkeys(
        (f"{n}.pdf" for n in range(6)), "RENEWED"
    )
    assert (told["bad.pdf"]["outcome"], told["bad.pdf"]["code"]) == ("REFUSED", "NOT_VALID_BEFORE")
    assert (shelf / "2026" / "bad.pdf").read_bytes() == bad
    assert all(path.read_bytes().startswith(archived) and stamps(path.read_bytes(), online) == 2 for path in good)
    assert {(line["held_until"][:4], line["holds_until"][:4]) for name, line in told.items() if name != "bad.pdf"} == {
        ("2030", "2044")
    }


def test_a_second_run_has_nothing_to_do(shelf: Path, online: Online) -> None:
    """Nothing is due any more, so nothing grows; no timestamp is asked for."""
    renewed(shelf, online)
    sizes = {path: path.stat().st_size for path in shelf.rglob("*.pdf")}
    online.asked.clear()
    code, told = renewed(shelf, online)

    assert code == 1  # the bad one is still there
    assert {line["outcome"] for name, line in told.items() if name != "bad.pdf"} == {"NOT_DUE"}
    assert {path: path.stat().st_size for path in shelf.rglob("*.pdf")} == sizes
    assert not [path for path in online.asked if "/tsa/" in path]


def test_the_next_authority_is_asked_when_one_is_away(shelf: Path, online: Online) -> None:
    """The first answers 503; the second renews; with none there every file is refused and stays as it was."""
    before = {path: path.read_bytes() for path in shelf.rglob("*.pdf")}
    online.down = ("/tsa/",)
    code, told = renewed(shelf, online)
    untouched = {path: path.read_bytes() for path in shelf.rglob("*.pdf")} == before
    online.down = ("/tsa/old",)
    _, after = renewed(shelf, online, tsa=("old", "new"))

    assert (code, {line["outcome"] for line in told.values()}, untouched) == (1, {"REFUSED"}, True)
    assert sorted(line["outcome"] for line in after.values()) == ["REFUSED", *["RENEWED"] * 6]


def test_no_host_is_asked_that_was_not_named(shelf: Path, online: Online) -> None:
    """The addresses of revocation in the certificates are not followed without --host: no evidence, no renewal."""
    words = command(shelf, online)
    del words[words.index("--host") : words.index("--host") + 2]
    online.asked.clear()
    ran = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=180)

    assert {json.loads(line)["outcome"] for line in ran.stdout.splitlines()} == {"REFUSED"}
    assert not [path for path in online.asked if "/tsa/" not in path]


def test_killed_in_the_middle_nothing_is_lost_and_the_next_run_finishes(
    shelf: Path, online: Online, archived: bytes, tmp_path: Path
) -> None:
    """SIGKILL while the third file is at work: each file is whole, the old one or the new; no file is renewed twice."""
    online.pause = 0.4
    journal = tmp_path / "journal.jsonl"
    words = command(shelf, online, "--journal", str(journal))
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=ROOT, start_new_session=True)
    until = time.monotonic() + 120
    while time.monotonic() < until and (not journal.exists() or journal.read_bytes().count(b"\n") < 2):
        time.sleep(0.02)
    time.sleep(0.2)  # into the third
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    good = [path for path in shelf.rglob("*.pdf") if path.name != "bad.pdf"]
    counts = [1 if path.read_bytes() == archived else stamps(path.read_bytes(), online) for path in good]
    online.pause = 0.0
    _, told = renewed(shelf, online, "--journal", str(journal))

    assert 2 in counts
    assert 1 in counts
    assert {stamps(path.read_bytes(), online) for path in good} == {2}
    assert {line["outcome"] for line in told.values()} <= {"RENEWED", "NOT_DUE", "DONE_BEFORE", "REFUSED"}
    assert [name for name, line in told.items() if line["outcome"] == "REFUSED"] == ["bad.pdf"]
    assert datetime.now(UTC).year < 2030  # until then the test says what it says
