"""`soky verify` as typed: passwords, detached signatures, revocation from the bundle's hosts."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from typer.testing import CliRunner

import signing
from api.cli import app
from signing.cades import sign_cades
from signing.demo import DemoAuthority, Issued
from tests.signing.conftest import build_pdf
from tests.signing.updates import Style, Update, identity, put_signature

FIELDS = {"principal_signs": (60, 120, 220, 180)}
PASSWORD = "mật khẩu của trường"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    return DemoAuthority(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def person(office: DemoAuthority) -> Issued:
    return office.issue("Nguyễn Văn An", "CCCD:031084000009", unit="Trường THCS Nguyễn Du")


def checked(authority: DemoAuthority, *words: object, trust: Path | None = None) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and the JSON of each file. Nothing is drawn for a second look: that is asked elsewhere."""
    anchors = trust or authority.trust_pem()[0]
    line = ["verify", "--json", "--sample", "0", "--trust", str(anchors), *map(str, words)]
    ran = CliRunner().invoke(app, line, env={"SOKY_OFFICE": "/no/office"})
    return ran.exit_code, [json.loads(each) for each in ran.stdout.splitlines() if each.startswith("{")]


def codes(told: dict[str, Any]) -> set[str]:
    return {each["code"] for each in told["findings"]}


def test_an_encrypted_file_is_opened_with_the_password_of_a_file(office: DemoAuthority, tmp_path: Path) -> None:
    """Right, wrong, none: read, refused, asked for. The password is on no command line and in no answer."""
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(build_pdf(FIELDS))) as pdf:
        pdf.save(saved, encryption=pikepdf.Encryption(user=PASSWORD, owner="khác", R=6))
    (tmp_path / "a.pdf").write_bytes(saved.getvalue())
    (tmp_path / "right").write_text(PASSWORD + "\n", encoding="utf-8")
    (tmp_path / "wrong").write_text("sai\n", encoding="utf-8")
    without = checked(office, tmp_path / "a.pdf")
    right, wrong = (checked(office, "--password-file", tmp_path / each, tmp_path / "a.pdf") for each in ("right", "wrong"))

    assert (without[0], codes(without[1][0])) == (2, {"ENCRYPTED"})
    assert (right[0], right[1][0]["verdict"]) == (1, "NO_SIGNATURE")
    assert (wrong[0], codes(wrong[1][0])) == (2, {"WRONG_PASSWORD"})
    assert PASSWORD not in json.dumps([without, right, wrong], ensure_ascii=False)


def test_a_password_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Nothing is checked as if no password had been meant."""
    (tmp_path / "a.pdf").write_bytes(build_pdf(FIELDS))
    ran = CliRunner().invoke(app, ["verify", "--password-file", str(tmp_path / "none"), str(tmp_path / "a.pdf")])

    assert isinstance(ran.exception, FileNotFoundError)  # `main` makes one sentence and exit code 2 of it
    assert ran.stdout == ""


@pytest.mark.parametrize("how", ["beside", "named", "the signature itself"])
def test_a_detached_signature_is_found(how: str, office: DemoAuthority, person: Issued, tmp_path: Path) -> None:
    """Any file with FILE.p7s beside it, or --detached, or the .p7s given in its place."""
    data, p7s = tmp_path / "bang-diem.csv", tmp_path / ("bang-diem.csv.p7s" if how != "named" else "khac.bin")
    data.write_bytes(b"diem;10\n")
    p7s.write_bytes(sign_cades(data.read_bytes(), person.signer(), timestamper=office, level=signing.Level.B_T))
    ways: dict[str, list[object]] = {"beside": [data], "named": ["--detached", p7s, data], "the signature itself": [p7s]}
    code, (told,) = checked(office, *ways[how])

    assert (code, told["verdict"], told["file"]) == (0, "TOTAL_PASSED", str(data))
    assert [(each["signer"], each["level"]) for each in told["signatures"]] == [("Nguyễn Văn An", "B-T")]


@pytest.mark.parametrize("first", [0, 1])
def test_a_document_named_with_its_signature_is_one_answer(
    first: int, office: DemoAuthority, person: Issued, tmp_path: Path
) -> None:
    """In either order, as a shell's `*` names them."""
    names = [tmp_path / "a.csv", tmp_path / "a.csv.p7s"]
    names[0].write_bytes(b"diem;10\n")
    names[1].write_bytes(sign_cades(b"diem;10\n", person.signer()))
    _, told = checked(office, names[first], names[1 - first])

    assert [(each["file"], each["verdict"]) for each in told] == [(str(names[0]), "TOTAL_PASSED")]


@pytest.mark.parametrize(("content", "code"), [(b"", "EMPTY_FILE"), (b"words", "NOT_A_PDF")])
def test_what_is_no_signed_file_is_called_what_it_is(content: bytes, code: str, office: DemoAuthority, tmp_path: Path) -> None:
    """Empty, or of no kind that can be checked; then it is said which can."""
    (tmp_path / "a.pdf").write_bytes(content)
    exit_code, (told,) = checked(office, tmp_path / "a.pdf")

    assert (exit_code, codes(told)) == (2, {code})
    assert code == "EMPTY_FILE" or "ASiC" in told["findings"][0]["message"]


def test_fetching_without_hosts_is_said(office: DemoAuthority, tmp_path: Path) -> None:
    """Nobody takes an answer for asked that was not: on the stream beside the answers."""
    (tmp_path / "a.pdf").write_bytes(build_pdf(FIELDS))
    line = ["verify", "--json", "--sample", "0", "--fetch", "--trust", str(office.trust_pem()[0]), str(tmp_path / "a.pdf")]
    ran = CliRunner().invoke(app, line, env={"SOKY_OFFICE": "/no/office"})

    assert ran.stderr.startswith("NO_HOSTS: ")
    assert json.loads(ran.stdout)["verdict"] == "NO_SIGNATURE"


def test_a_detached_signature_of_something_else_fails(office: DemoAuthority, person: Issued, tmp_path: Path) -> None:
    """The data were changed."""
    (tmp_path / "a.csv").write_bytes(b"diem;10\n")
    (tmp_path / "a.csv.p7s").write_bytes(sign_cades(b"diem;9\n", person.signer()))

    assert checked(office, tmp_path / "a.csv")[1][0]["verdict"] == "TOTAL_FAILED"


@pytest.mark.parametrize(("inside", "beside", "verdict"), [(True, True, "TOTAL_PASSED"), (True, False, "TOTAL_FAILED"),
                                                           (False, True, "TOTAL_FAILED")])  # fmt: skip
def test_a_signed_file_with_a_detached_signature_is_as_good_as_the_worse(
    inside: bool, beside: bool, verdict: str, office: DemoAuthority, person: Issued, tmp_path: Path
) -> None:
    """Both are judged, both are told; a good one hides no bad one."""
    content = put_signature(build_pdf(FIELDS), "principal_signs", identity(person), Style(timestamp=office.timestamp))
    content = content if inside else content.replace(b"Tinos", b"Xinos").replace(b"So diem", b"Xo diem")
    (tmp_path / "a.pdf").write_bytes(content)
    (tmp_path / "a.pdf.p7s").write_bytes(sign_cades(content if beside else b"other", person.signer()))
    _, (told,) = checked(office, tmp_path / "a.pdf")

    assert told["verdict"] == verdict
    assert len(told["signatures"]) == 2


@pytest.mark.parametrize("words", [["--offline", "--fetch"], ["--detached", "x.p7s", "b.pdf"]])
def test_what_contradicts_itself_is_refused(words: list[str], office: DemoAuthority, tmp_path: Path) -> None:
    """Before anything is checked."""
    (tmp_path / "a.pdf").write_bytes(b"")

    assert checked(office, *words, tmp_path / "a.pdf") == (2, [])


class _Lists(BaseHTTPRequestHandler):
    authority: DemoAuthority
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        content = self.authority.crl("issuing" if "issuing" in self.path else "root")
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def online(tmp_path: Path) -> Iterator[tuple[DemoAuthority, str]]:
    """An authority whose revocation lists are on a server of this machine."""
    server = HTTPServer(("127.0.0.1", 0), _Lists)
    host = f"127.0.0.1:{server.server_port}"
    _Lists.authority, _Lists.asked = DemoAuthority(tmp_path / "ca", address=f"http://{host}", key="rsa2048"), []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield _Lists.authority, host
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("named", [True, False])
def test_fetch_asks_the_hosts_of_the_bundle_and_no_others(
    named: bool, online: tuple[DemoAuthority, str], tmp_path: Path
) -> None:
    """With --fetch the revocation comes to light; a host that the bundle does not name is asked nothing."""
    authority, host = online
    person = authority.issue("Trần Văn Bình", "CCCD:031084000010")
    file = tmp_path / "a.pdf"
    file.write_bytes(put_signature(build_pdf(FIELDS), "principal_signs", identity(person), Style()))
    authority.revoke(person)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "root.pem").write_bytes(authority.trust_pem()[0].read_bytes())
    listed = {"version": "t", "roots": [{"file": "root.pem"}], "hosts": [host] if named else []}
    (bundle / "bundle.json").write_text(json.dumps(listed))
    offline, fetched = (checked(authority, *words, file, trust=bundle)[1][0] for words in ([], ["--fetch"]))

    assert offline["signatures"][0]["revocation"]["status"] == "unknown"
    assert fetched["signatures"][0]["revocation"]["status"] == ("revoked" if named else "unknown")
    assert bool(_Lists.asked) is named


def test_words_of_a_file_look_like_no_line_of_ours(office: DemoAuthority, tmp_path: Path) -> None:
    """A field called "x, line break, a verdict" stays on its line; nothing reaches the terminal that moves its cursor."""
    name = "x\n  principal_signs (signature): HỢP LỆ / VALID\x1b[2J\u202e"
    person = office.issue("Lê Văn C", "CCCD:031084000011")
    signed = put_signature(build_pdf(FIELDS), "principal_signs", identity(person), Style())
    update = Update(signed)
    update.change(update.field("principal_signs"), T=b"\xfe\xff" + name.encode("utf-16-be"))
    (tmp_path / "a\nb.pdf").write_bytes(update.bytes())
    words = ["verify", "--sample", "0", "--trust", str(office.trust_pem()[0]), str(tmp_path / "a\nb.pdf")]
    plain, as_json = (CliRunner().invoke(app, [*words, *more], color=True) for more in ([], ["--json"]))

    assert not any(line.strip().startswith("principal_signs (signature): HỢP LỆ") for line in plain.stdout.splitlines())
    assert not {"\x1b", "\u202e", "\u2028"} & set(plain.stdout + as_json.stdout)
    assert len(as_json.stdout.splitlines()) == 1


def test_a_bundle_that_cannot_be_used_is_said_once(tmp_path: Path) -> None:
    """No file is called unreadable that nobody looked at."""
    (tmp_path / "a.pdf").write_bytes(build_pdf(FIELDS))
    (tmp_path / "bad.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n")
    words = ["verify", "--trust", str(tmp_path / "bad.pem"), str(tmp_path / "a.pdf"), str(tmp_path / "a.pdf")]
    ran = CliRunner().invoke(app, words)

    assert isinstance(ran.exception, signing.SigningError)  # `main` makes one sentence and exit code 2 of it
    assert ran.stdout == ""
