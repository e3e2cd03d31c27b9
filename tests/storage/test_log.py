"""The public log: one order, signed heads, proofs that a stranger checks with his own program."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import text

from storage import Checkpoint, KeptStore, Verifier, check_proof, open_note, open_store, publish, verify_log
from storage.errors import BadNote, BadProof, LogForked, NoLogKey, NotInLog, RowChanged
from storage.merkle import EMPTY_ROOT, verify_consistency
from storage.tiles import tile_path
from tests.storage.conftest import AN, AT, SCHOOL, School
from workflow.events import CaseId


def a_stranger_checks(proof: str, vkey: str, record: bytes, nonce: bytes) -> dict[str, object]:
    """Written from the specifications alone: hashlib, and an Ed25519 of anybody's. Returns what the leaf says."""
    head, _, note = proof.partition("\n\n")
    magic, extra, index_line, *siblings = head.split("\n")
    assert magic == "c2sp.org/tlog-proof@v1"
    leaf = base64.b64decode(extra.split()[1])
    body, _, signature_line = note.rpartition("\n\n")
    origin, size_text, root_text = body.split("\n")
    name, key_id, key = vkey.split("+", 2)
    public = base64.b64decode(key)
    assert public[:1] == b"\x01"
    assert sha256(name.encode() + b"\n" + public).hexdigest()[:8] == key_id
    dash, signer, signature = signature_line.strip().split(" ")
    assert (dash, signer, origin) == ("—", name, name)
    assert base64.b64decode(signature)[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(base64.b64decode(signature)[4:], (body + "\n").encode())
    here, last, found = int(index_line.split()[1]), int(size_text) - 1, sha256(b"\x00" + leaf).digest()
    for sibling in map(base64.b64decode, siblings):
        if here % 2 or here == last:
            found = sha256(b"\x01" + sibling + found).digest()
            while not here % 2 and here:
                here, last = here // 2, last // 2
        else:
            found = sha256(b"\x01" + found + sibling).digest()
        here, last = here // 2, last // 2
    assert last == 0
    assert found == base64.b64decode(root_text)
    said: dict[str, object] = json.loads(leaf)
    assert said["commitment"] == sha256(nonce + record).hexdigest()
    return said


def verifier_of(store: KeptStore) -> Verifier:
    assert store.log.key is not None
    return store.log.key.verifier


def grow(store: KeptStore, school: School, leaves: int, *, at: int = 0) -> None:
    """So many entries in the log, and a checkpoint over them."""
    version = school.begin(store, "toan", case=CaseId(f"g{at}"))
    if leaves > 2:
        store.append(CaseId(f"g{at}"), version, [school.completed("toan")] * (leaves - 2), actor=AN, at=AT)
    store.log.sequence()
    store.log.sign(AT + timedelta(hours=at))


def test_a_stranger_can_check_every_step(store: KeptStore, school: School) -> None:
    """With the proof, the record, its nonce and one line on paper: the log's public key."""
    school.begin(store, "toan")
    school.add(store, 2, school.rendered("toan", "a"), school.signed("toan", "a", "b"), school.closes("toan"))
    grow(store, school, 60)
    steps = store.log.evidence(school.case)

    assert [step.seq for step in steps] == [1, 2, 3, 4, 5]
    for step, recorded in zip(steps, store.history(school.case), strict=True):
        said = a_stranger_checks(step.proof, verifier_of(store).text(), step.record, step.nonce)
        assert (said["seq"], said["tag"]) == (recorded.seq, recorded.event.tag)
        assert said["stream"] == sha256(b"case:c1").hexdigest()
        assert step.check([verifier_of(store)]).size == 65
        assert f"index {recorded.leaf}\n" in step.proof


def test_the_log_holds_no_names(store: KeptStore, school: School) -> None:
    """Neither ids of people nor titles, scopes or reasons: only times, tags and digests."""
    school.begin(store, "toan")
    school.add(store, 2, replace(school.completed("toan"), reason="Nguyễn Văn An nhầm cột"))
    store.save_directory(SCHOOL, '{"name":"Nguyễn Văn An"}'.encode(), actor=AN, at=AT)
    store.log.sequence()

    for leaf in store.log.leaves(0, 4):
        assert sorted(json.loads(leaf)) == ["at", "commitment", "seq", "stream", "tag"]
        for word in ("gv-an", "An", "9A", "nguyen-du", "toan"):
            assert word not in leaf.decode()


def test_equal_steps_have_different_commitments(store: KeptStore, school: School) -> None:
    """Nobody can find out by trying what a leaf says: each record has its own random nonce."""
    school.begin(store)
    school.add(store, 2, school.completed("toan"), school.completed("toan"))
    store.log.sequence()
    store.log.sign(AT)
    *_, one, other = store.log.evidence(school.case)

    assert one.record == other.record
    assert one.nonce != other.nonce
    assert json.loads(one.leaf)["commitment"] != json.loads(other.leaf)["commitment"]


def test_evidence_of_another_step_is_refused(store: KeptStore, school: School) -> None:
    """A record, nonce, leaf or proof from elsewhere does not fit."""
    grow(store, school, 5)
    one, other, *_ = store.log.evidence(CaseId("g0"))
    verifiers = [verifier_of(store)]

    for changed in (
        replace(one, record=other.record),
        replace(one, nonce=other.nonce),
        replace(one, leaf=other.leaf),
        replace(one, proof=other.proof),
        replace(one, leaf=other.leaf, proof=other.proof),
    ):
        with pytest.raises(BadProof):
            changed.check(verifiers)
    with pytest.raises(BadNote):
        one.check([Verifier("soky.example/office", b"\x01" * 32)])


def test_odd_proofs_are_refused(store: KeptStore, school: School) -> None:
    """Every line of it counts."""
    grow(store, school, 9)
    proof = store.log.evidence(CaseId("g0"))[4].proof
    check_proof(proof, [verifier_of(store)])
    lines = proof.split("\n")
    odd = [
        "",
        "x" * 2_000_000,
        proof.replace("@v1", "@v2"),
        proof.replace("index 4", "index 04"),
        proof.replace("index 4", "index -4"),
        proof.replace("index 4", "index 5"),
        proof.replace("index 4", "index 99999999999999999999"),
        proof.replace("extra ", "extra !"),
        "\n".join(lines[:1] + lines[2:]),
        "\n".join(lines[:3] + lines[4:]),
        "\n".join([*lines[:4], lines[3], *lines[4:]]),
    ]

    for wrong in odd:
        with pytest.raises(BadProof):
            check_proof(wrong, [verifier_of(store)])


def test_a_head_is_signed_when_the_log_has_grown(store: KeptStore, school: School) -> None:
    """Signing again without new entries gives the same note; each note continues those before it."""
    heads = []
    for number in range(5):
        grow(store, school, 3 + number, at=number)
        heads.append(Checkpoint.parse(open_note(store.log.checkpoint(), [verifier_of(store)])))
        assert store.log.sign(AT + timedelta(days=9)) == store.log.checkpoint()

    assert [head.size for head in heads] == [3, 7, 12, 18, 25]
    for older in heads:
        for newer in heads[heads.index(older) :]:
            proof = store.log.consistency(older.size, newer.size)
            verify_consistency(older.size, newer.size, proof, older.root, newer.root)


def test_an_empty_log_has_a_head_too(store: KeptStore) -> None:
    """Size nought and the hash of nothing."""
    head = Checkpoint.parse(open_note(store.log.sign(AT), [verifier_of(store)]))

    assert (head.size, head.root) == (0, EMPTY_ROOT)
    assert store.log.sequence() == 0


def test_what_is_not_covered_yet_has_no_proof(store: KeptStore, school: School) -> None:
    """Before the sequencer, and before the next head."""
    with pytest.raises(NotInLog):
        store.log.checkpoint()
    school.begin(store)
    for sequenced in (False, True):
        if sequenced:
            store.log.sequence()
        with pytest.raises(NotInLog):
            store.log.evidence(school.case)
        with pytest.raises(NotInLog):
            store.log.proof("case:c1", 1)
    store.log.sign(AT)
    assert store.log.proof("case:c1", 1) == store.log.evidence(school.case)[0].proof
    questions: list[Callable[[], object]] = [
        lambda: store.log.inclusion(2),
        lambda: store.log.inclusion(0, 3),
        lambda: store.log.consistency(1, 3),
    ]
    for ask in questions:
        with pytest.raises(NotInLog):
            ask()


def test_without_its_key_the_log_only_grows(database_url: str, tmp_path: Path, school: School) -> None:
    """A worker that need not sign does not need the key."""
    store = open_store(database_url, tmp_path)
    school.begin(store)

    assert store.log.sequence() == 2
    with pytest.raises(NoLogKey):
        store.log.sign(AT)
    store.close()


def change(store: KeptStore, statement: str, **values: object) -> None:
    """As the owner of the database could, with the guards out of the way."""
    with store.database.engine.begin() as connection:
        if store.database.is_sqlite:
            for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("event", "directory_version", "log_entry", "log_node", "log_checkpoint"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(statement), values)


def sequence_and_sign(store: KeptStore) -> None:
    store.log.sequence()
    store.log.sign(AT)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE log_node SET hash = (SELECT hash FROM log_node WHERE position = 0) WHERE position = 6",
        "UPDATE log_head SET size = 4, frontier = (SELECT hash FROM log_node WHERE position = 6)",
        "UPDATE log_head SET frontier = (SELECT hash FROM log_node WHERE position = 0)",
        "DELETE FROM log_head",
    ],
)
def test_a_changed_past_gets_no_signature(store: KeptStore, school: School, damage: str) -> None:
    """The log stops and says so, instead of signing against itself."""
    grow(store, school, 5)
    change(store, damage)
    before = store.log.checkpoint()
    school.begin(store)

    with pytest.raises((LogForked, RowChanged)):
        sequence_and_sign(store)
    assert store.log.checkpoint() == before


def test_a_missing_node_is_an_error_of_ours(store: KeptStore, school: School) -> None:
    """No proof is made up."""
    grow(store, school, 8)
    change(store, "DELETE FROM log_node WHERE position = 6")

    with pytest.raises(RowChanged, match="6"):
        store.log.inclusion(6)


# --- tiles ---


@pytest.mark.parametrize(("number", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")])
def test_tiles_have_the_names_of_the_specification(number: int, path: str) -> None:
    """The example of c2sp.org/tlog-tiles, and the edges."""
    assert tile_path(number) == path


def a_stranger_reads_tiles(folder: Path) -> tuple[int, bytes]:
    """Entries and tiles from the files alone, as the specification tells; returns the size and the root they give."""
    size = int((folder / "checkpoint").read_text().split("\n")[1])
    leaves: list[bytes] = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        bundle = (folder / f"tile/entries/{number:03d}{'' if width == 256 else f'.p/{width}'}").read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            leaves.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert len(leaves) == size
    row, level = [sha256(b"\x00" + leaf).digest() for leaf in leaves], 0
    while row:
        for number in range((len(row) + 255) // 256):
            tile = row[number * 256 : number * 256 + 256]
            kept = folder / f"tile/{level}/{number:03d}{'' if len(tile) == 256 else f'.p/{len(tile)}'}"
            assert kept.read_bytes() == b"".join(tile)
        row = [root(row[at : at + 256]) for at in range(0, len(row) // 256 * 256, 256)]
        level += 1
    return size, root([sha256(b"\x00" + leaf).digest() for leaf in leaves])


def root(row: list[bytes]) -> bytes:
    if len(row) == 1:
        return row[0]
    half = 1 << ((len(row) - 1).bit_length() - 1)
    return sha256(b"\x01" + root(row[:half]) + root(row[half:])).digest()


def test_the_published_files_give_the_signed_root(store: KeptStore, school: School, tmp_path: Path) -> None:
    """After each publication, at sizes before, at and after the edges of tiles."""
    folder, at = tmp_path / "public", 0
    for at, size in enumerate((3, 255, 256, 257, 511, 512, 700)):
        grow(store, school, size - store.log.size(), at=at) if size - store.log.size() > 1 else one_more(store, at)
        head = publish(store.log, folder, verifier_of(store))
        assert a_stranger_reads_tiles(folder) == (head.size, head.root) == (size, head.root)
        assert publish(store.log, folder, verifier_of(store)) == head
    assert not (folder / "tile/0/000.p").exists()
    assert list((folder / "incoming").iterdir()) == []


def one_more(store: KeptStore, at: int) -> None:
    store.save_directory(SCHOOL, b"{}", actor=AN, at=AT)
    store.log.sequence()
    store.log.sign(AT + timedelta(hours=at))


def test_a_published_log_is_never_replaced_by_another(store: KeptStore, school: School, tmp_path: Path) -> None:
    """A restored backup has a shorter or another log: the public files stay as they are."""
    folder = tmp_path / "public"
    grow(store, school, 5)
    publish(store.log, folder, verifier_of(store))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other", log_key=tmp_path / "log.key")
    grow(other, school, 3)
    with pytest.raises(LogForked):
        publish(other.log, folder, verifier_of(other))
    grow(other, school, 5, at=1)
    with pytest.raises(LogForked):
        publish(other.log, folder, verifier_of(other))
    other.close()
    (folder / "checkpoint").unlink()
    grow(store, school, 4, at=2)
    (folder / "tile/0/000.p/9").parent.mkdir(exist_ok=True)
    (folder / "tile/0/000.p/9").write_bytes(b"another tile")
    with pytest.raises(LogForked):
        publish(store.log, folder, verifier_of(store))

    assert {path: path.read_bytes() for path in before if path.name != "checkpoint"} == {
        path: content for path, content in before.items() if path.name != "checkpoint"
    }
    assert list(verify_log(store, [verifier_of(store)], blobs=False)) == []
