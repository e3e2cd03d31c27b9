"""Whatever is changed behind our back is named: the table of tamperings."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import Table, text

from storage import Checkpoint, KeptStore, LogKey, Verifier, open_note, verify_log
from storage.leaves import Row, leaf
from storage.merkle import grow, hash_leaf, nodes_of, root_of
from storage.tables import log_checkpoint, log_entry, log_head, log_node, metadata
from tests.storage.conftest import AN, AT, SCHOOL, School
from tests.storage.test_log import change, verifier_of
from workflow.events import CaseId, Digest, DocumentId, Published, StepCompleted


@pytest.fixture
def office(store: KeptStore, school: School) -> KeptStore:
    """Ten rows in the log (two cases and a directory) under two heads, one row still pending, all blobs there."""
    for content in (b"process", b"data", b"first", b"second", b"other"):
        store.put(content)
    school.begin(store, "toan", "van")  # places 0, 1
    store.save_directory(SCHOOL, b'{"unit":1}', actor=AN, at=AT)  # place 2
    school.add(store, 2, school.rendered("toan"), replace(school.completed("toan"), reason="đúng"))  # 3, 4
    store.log.sequence()
    store.log.sign(AT)
    school.add(store, 4, school.signed("toan", "first", "second"), school.closes("toan"))  # 5, 6
    school.begin(store, "anh", case=CaseId("c2"))  # 7, 8
    store.save_directory(SCHOOL, b'{"unit":2}', actor=AN, at=AT)  # 9
    store.log.sequence()
    store.log.sign(AT)
    store.append(CaseId("c2"), 2, [school.completed("anh")], actor=AN, at=AT)  # pending
    return store


def found(store: KeptStore, *, seen: tuple[str, ...] = ()) -> set[str]:
    """`CODE where`, without the guards, which every tampering here had to take out of the way, and the tables."""
    findings = verify_log(store, [verifier_of(store)], seen=seen)
    return {f"{one.code} {one.where}" for one in findings if one.code not in {"GUARD_MISSING", "TABLE_DIFFERS"}}


def test_an_untouched_office_has_nothing_to_say(office: KeptStore) -> None:
    """Also with heads that an auditor has kept, and after the rest was sequenced."""
    kept = office.log.checkpoint()

    assert list(verify_log(office, [verifier_of(office)], seen=[kept])) == []
    office.log.sequence()
    office.log.sign(AT)
    assert list(verify_log(office, [verifier_of(office)], seen=[kept])) == []


TAMPERINGS: list[tuple[str, str, set[str]]] = [
    ("a word of a reason", "UPDATE event SET body = replace(body, 'đúng', 'sai') WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    ("an author", "UPDATE event SET actor = 'gv-binh' WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    ("an author taken away", "UPDATE event SET actor = NULL WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    ("a time", "UPDATE event SET at = '2027-01-12T01:02:00.000001Z' WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    ("a time that is none", "UPDATE event SET at = 'yesterday' WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    ("a kind of event", "UPDATE event SET tag = 'case-ended/1' WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    (
        "a nonce",
        "UPDATE event SET nonce = (SELECT nonce FROM directory_version WHERE seq = 1) WHERE seq = 4",
        {"ROW_CHANGED case:c1#4"},
    ),
    ("spaces in a body", "UPDATE event SET body = replace(body, ',', ', ') WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    ("a body that is no JSON", "UPDATE event SET body = '' WHERE seq = 4", {"ROW_CHANGED case:c1#4"}),
    (
        "a directory",
        "UPDATE directory_version SET body = (SELECT body FROM directory_version WHERE seq = 2) WHERE seq = 1",
        {"ROW_CHANGED directory:thcs-nguyen-du#1"},
    ),
    (
        "a row that is still pending",
        "UPDATE event SET actor = 'gv-binh' WHERE case_id = 'c2' AND seq = 3",
        {"ROW_CHANGED case:c2#3"},
    ),
    (
        "an event deleted",
        "DELETE FROM event WHERE case_id = 'c1' AND seq = 4",
        {"ROW_DELETED case:c1#4", "CASE_INCOMPLETE c1: 5 != 6"},
    ),
    (
        "the last event deleted",
        "DELETE FROM event WHERE case_id = 'c1' AND seq = 6",
        {"ROW_DELETED case:c1#6", "CASE_INCOMPLETE c1: 5 != 6"},
    ),
    (
        "a pending event deleted",
        "DELETE FROM event WHERE case_id = 'c2' AND seq = 3",
        {"ROW_DELETED case:c2#3", "CASE_INCOMPLETE c2: 2 != 3"},
    ),
    ("a directory deleted", "DELETE FROM directory_version WHERE seq = 2", {"ROW_DELETED directory:thcs-nguyen-du#2"}),
    (
        "two events swapped",
        (
            "UPDATE event SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE case_id = 'c1' AND seq IN (3, 4);"
            "UPDATE event SET seq = -seq WHERE seq < 0"
        ),
        {"ROW_CHANGED case:c1#3", "ROW_CHANGED case:c1#4"},
    ),
    (
        "an event put in",
        "INSERT INTO event SELECT case_id, 7, at, actor, tag, body, nonce FROM event WHERE case_id = 'c1' AND seq = 4",
        {"ROW_NOT_LOGGED case:c1#7", "CASE_INCOMPLETE c1: 7 != 6"},
    ),
    (
        "an event moved to another case",
        "UPDATE event SET case_id = 'c9' WHERE case_id = 'c1' AND seq = 6",
        {"ROW_NOT_LOGGED case:c9#6", "ROW_DELETED case:c1#6", "CASE_INCOMPLETE c1: 5 != 6"},
    ),
    ("what was pending taken away", "DELETE FROM log_pending", {"ROW_NOT_LOGGED case:c2#3"}),
    (
        "a pending leaf changed",
        "UPDATE log_pending SET leaf = (SELECT leaf FROM log_entry WHERE place = 1)",
        {"ROW_CHANGED case:c2#3"},
    ),
    (
        "an entry changed",
        "UPDATE log_entry SET leaf = (SELECT leaf FROM log_entry WHERE place = 1) WHERE place = 4",
        {"ENTRY_CHANGED 4"},
    ),
    ("an entry emptied", "UPDATE log_entry SET leaf = (SELECT frontier FROM log_head) WHERE place = 9", {"ENTRY_CHANGED 9"}),
    ("an entry deleted", "DELETE FROM log_entry WHERE place = 4", {"ENTRY_MISSING 4", "ROW_NOT_LOGGED case:c1#4"}),
    (
        "a leaf's node",
        "UPDATE log_node SET hash = (SELECT hash FROM log_node WHERE position = 0) WHERE position = 7",
        {"NODE_CHANGED 7"},
    ),
    (
        "an inner node",
        "UPDATE log_node SET hash = (SELECT hash FROM log_node WHERE position = 0) WHERE position = 6",
        {"NODE_CHANGED 6"},
    ),
    (
        "the newest node",
        "UPDATE log_node SET hash = (SELECT hash FROM log_node WHERE position = 0) WHERE position = 17",
        {"NODE_CHANGED 17"},
    ),
    ("a node deleted", "DELETE FROM log_node WHERE position = 2", {"NODE_CHANGED 2"}),
    ("a node more", "INSERT INTO log_node SELECT 99, hash FROM log_node WHERE position = 0", {"NODE_CHANGED 99"}),
    (
        "an entry far away",
        "INSERT INTO log_entry SELECT 1000000000000000, 'case:x', 1, leaf FROM log_entry WHERE place = 0",
        {"ENTRY_CHANGED 1000000000000000"},
    ),
    ("the head's size", "UPDATE log_head SET size = 9", {"HEAD_CHANGED 10 != 9"}),
    (
        "the head's frontier",
        "UPDATE log_head SET frontier = (SELECT hash FROM log_node WHERE position = 0)",
        {"HEAD_CHANGED 10 != 10"},
    ),
    ("no head", "DELETE FROM log_head", {"HEAD_CHANGED 10 != None"}),
    (
        "a checkpoint's words",
        "UPDATE log_checkpoint SET note = replace(note, '10', '11') WHERE size = 10",
        {"CHECKPOINT_FORGED 10"},
    ),
    ("a checkpoint's columns", "UPDATE log_checkpoint SET size = 4 WHERE size = 5", {"CHECKPOINT_CHANGED 4"}),
    (
        "a checkpoint's note for another",
        "UPDATE log_checkpoint SET note = (SELECT note FROM log_checkpoint WHERE size = 5) WHERE size = 10",
        {"CHECKPOINT_CHANGED 10"},
    ),
]


def everything(store: KeptStore) -> dict[Table, list[dict[str, object]]]:
    """All rows of all tables."""
    with store.database.reading() as connection:
        return {table: [row._asdict() for row in connection.execute(table.select())] for table in metadata.sorted_tables}


def put_back(store: KeptStore, kept: dict[Table, list[dict[str, object]]]) -> None:
    """As it was, without the guards."""
    with store.database.writing() as connection:
        for table in reversed(kept):
            connection.execute(table.delete())
        for table in [table for table, rows in kept.items() if rows]:
            connection.execute(table.insert(), kept[table])


def test_each_tampering_is_named(office: KeptStore) -> None:
    """Exactly the row that was changed, and nothing that was not. After each, the office is put back as it was."""
    kept, told = everything(office), {}
    for name, statement, findings in TAMPERINGS:
        for part in statement.split(";"):
            change(office, part)
        told[name] = (found(office), findings)
        put_back(office, kept)

    assert {name: pair for name, pair in told.items() if pair[0] != pair[1]} == {}
    assert found(office) == set()


def test_bytes_that_are_no_text_do_not_stop_the_audit(office: KeptStore) -> None:
    """SQLite lets anybody put anything into any column."""
    if not office.database.is_sqlite:
        with pytest.raises(Exception, match="invalid byte"):
            change(office, "UPDATE event SET body = convert_from('\\xff', 'UTF8') WHERE seq = 4")
        return
    change(office, "UPDATE event SET body = CAST(x'ff' AS TEXT) WHERE seq = 4")
    change(office, "UPDATE event SET body = x'00', actor = 5, nonce = NULL WHERE seq = 3 AND case_id = 'c2' AND 0")
    change(office, "UPDATE event SET actor = x'ff00' WHERE seq = 5")

    assert {"ROW_CHANGED case:c1#4", "ROW_CHANGED case:c1#5"} <= found(office)


def forged_past(office: KeptStore) -> None:
    """The owner of the database changes a reason and makes row, leaf, nodes and head fit each other again."""
    body = '{"capacity":"","facts":{},"ground":"","reason":"sai","task":"subject_teacher_signs.toan#1"}'
    change(office, "UPDATE event SET body = :body WHERE case_id = 'c1' AND seq = 4", body=body)
    with office.database.writing() as connection:
        at, nonce = connection.execute(text("SELECT at, nonce FROM event WHERE case_id = 'c1' AND seq = 4")).one()
        changed = Row(stream="case:c1", seq=4, at=at, tag=StepCompleted.tag, actor=AN, body=body.encode(), nonce=bytes(nonce))
        connection.execute(log_entry.update().where(log_entry.c.place == 4).values(leaf=leaf(changed)))
        leaves = [
            bytes(one)
            for one in connection.scalars(log_entry.select().with_only_columns(log_entry.c.leaf).order_by(log_entry.c.place))
        ]
        frontier: list[bytes] = []
        for size, one in enumerate(leaves):
            frontier, made = grow(frontier, size, hash_leaf(one))
            for place, node in enumerate(made, nodes_of(size)):
                connection.execute(log_node.update().where(log_node.c.position == place).values(hash=node))
        connection.execute(log_head.update().values(frontier=b"".join(frontier)))


def test_a_past_that_fits_together_is_found_by_the_signed_head(office: KeptStore) -> None:
    """Whoever does not hold the key cannot make the heads fit: only those before the change still do."""
    forged_past(office)

    assert found(office) == {"LOG_REWRITTEN 5", "LOG_REWRITTEN 10"}


def test_a_past_rewritten_with_the_key_is_found_by_what_others_kept(office: KeptStore) -> None:
    """Then only a head that somebody outside has kept tells: so heads are published, stamped and given away."""
    kept = office.log.checkpoint()
    forged_past(office)
    key = office.log.key
    assert key is not None
    with office.database.writing() as connection:
        frontier: list[bytes] = []
        leaves = connection.scalars(log_entry.select().with_only_columns(log_entry.c.leaf).order_by(log_entry.c.place)).all()
        for size, one in enumerate(leaves):
            frontier, _ = grow(frontier, size, hash_leaf(bytes(one)))
            root = root_of(frontier)
            note = key.sign(Checkpoint(origin=key.verifier.name, size=size + 1, root=root).text())
            connection.execute(log_checkpoint.update().where(log_checkpoint.c.size == size + 1).values(root=root, note=note))

    assert found(office) == set()
    assert found(office, seen=(kept,)) == {"LOG_REWRITTEN 10"}


def test_a_shortened_log_is_found(office: KeptStore) -> None:
    """The last rows with their entries, nodes, and the head set back: the checkpoint says how long the log was."""
    kept = office.log.checkpoint()
    change(office, "DELETE FROM directory_version WHERE seq = 2")
    change(office, "DELETE FROM log_entry WHERE place = 9")
    change(office, "DELETE FROM log_node WHERE position >= 16")
    change(office, "UPDATE log_head SET size = 9, frontier = (SELECT hash FROM log_node WHERE position = 14)")
    with office.database.writing() as connection:
        nodes = {row.position: bytes(row.hash) for row in connection.execute(log_node.select())}
        connection.execute(log_head.update().values(frontier=nodes[14] + nodes[15]))

    assert found(office) == {"LOG_TRUNCATED 9 < 10"}
    change(office, "DELETE FROM log_checkpoint WHERE size = 10")
    assert found(office) == set()
    assert found(office, seen=(kept,)) == {"LOG_TRUNCATED 9 < 10"}


def test_everything_gone_is_found(office: KeptStore) -> None:
    """An emptied database is no clean one for whoever kept a head."""
    kept = office.log.checkpoint()
    for table in ("log_checkpoint", "log_entry", "log_node", "event", "directory_version", "log_pending"):
        change(office, f"DELETE FROM {table}")  # noqa: S608

    assert {"LOG_TRUNCATED 0 < 10", "HEAD_CHANGED 0 != 10", "CASE_INCOMPLETE c1: 0 != 6"} <= found(office, seen=(kept,))


def test_a_stranger_s_head_is_no_head(office: KeptStore) -> None:
    """Forged is what claims to be of our log and is not signed by our key; another log's, and what is none, are called so."""
    stranger = LogKey("soky.example/office", b"s" * 32)
    text_ = open_note(office.log.checkpoint(), [verifier_of(office)])
    key = office.log.key
    assert key is not None
    other_text = text_.replace("soky.example/office", "soky.example/other")
    other = LogKey("soky.example/other", b"o" * 32).sign(other_text)

    assert found(office, seen=(stranger.sign(text_),)) == {"CHECKPOINT_FORGED --seen 1"}
    assert found(office, seen=(stranger.sign(text_) + office.log.checkpoint(),)) == {"BAD_CHECKPOINT --seen 1"}
    for note in (key.sign(other_text), other):
        assert found(office, seen=(office.log.checkpoint(), note)) == {
            "OTHER_LOG --seen 2, «soky.example/other» ≠ «soky.example/office»"
        }
    for note in ("junk", "", "a\n99999999999999999999999\nb\n\n— x AAAAAAA=\n"):
        assert found(office, seen=(note,)) == {"BAD_CHECKPOINT --seen 1"}
    assert {one.code for one in verify_log(office, [Verifier("soky.example/office", stranger.verifier.public)])} == {
        "CHECKPOINT_FORGED"
    }


def test_blobs_are_hashed_again(office: KeptStore, school: School) -> None:
    """A file gone, a file changed, a file that cannot be read; only those that events name."""
    gone, changed, odd = (school.digest(word) for word in ("first", "second", "data"))
    office.blobs.path(gone).unlink()
    office.blobs.path(changed).chmod(0o644)
    office.blobs.path(changed).write_bytes(b"")
    office.blobs.path(odd).unlink()
    office.blobs.path(odd).mkdir()
    office.blobs.path(Digest(school.digest("other"))).unlink()

    assert found(office) == {f"BLOB_MISSING {gone}", f"BLOB_CHANGED {changed}", f"BLOB_CHANGED {odd}"}
    assert list(verify_log(office, [verifier_of(office)], blobs=False)) == []


def test_missing_guards_and_changed_tables_are_named(office: KeptStore) -> None:
    """Both with a sentence that a clerk can read, in both languages."""
    change(office, "UPDATE task SET closed = NULL WHERE name = 'subject_teacher_signs.toan#1'")
    findings = list(verify_log(office, [verifier_of(office)]))

    assert {one.code for one in findings} == {"GUARD_MISSING", "TABLE_DIFFERS"}
    assert "task: c1, subject_teacher_signs.toan#1" in {one.where for one in findings}
    assert all(" / " in one.message and one.where in one.message for one in findings)


# What follows from no event: the engine's cache, who works on what, and the order in which leaves still wait.
SAYS_NOTHING = {"case_state.snapshot", "case_state.snapshot_version", "log_checkpoint.at", "log_pending.id"}


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL lets no junk into a typed column
@pytest.mark.parametrize("junk", [b"\xff\x00\xfe", "junk", -7, 2**62], ids=["bytes", "text", "negative", "huge"])
def test_junk_in_any_column_is_found_and_stops_nothing(office: KeptStore, school: School, junk: object) -> None:
    """Whatever is put into whichever column: the audit ends, with a finding and without an error."""
    school.add(office, 6, Published(document=DocumentId("c1/toan/1"), revision=school.digest("second"), code="CODE"))
    kept, silent = everything(office), []
    change(office, "SELECT 1")
    for table in [table for table, rows in kept.items() if rows and table.name != "work_item"]:
        for column in table.columns:
            if not spoil(office, table, column.name, junk):
                continue
            if (
                found(office) | {one.where for one in verify_log(office, [], blobs=False) if one.code == "TABLE_DIFFERS"}
                == set()
            ):
                silent.append(f"{table.name}.{column.name}")
            put_back(office, kept)

    assert set(silent) <= SAYS_NOTHING


def spoil(store: KeptStore, table: Table, column: str, junk: object) -> bool:
    """Put it into a row, past every rule that can be switched off; False if the database refuses even so."""
    with closing(sqlite3.connect(str(store.database.engine.url.database), isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints=ON")
        keys = [one.name for one in table.primary_key.columns]
        row = connection.execute(f"SELECT {', '.join(keys)} FROM {table.name}").fetchone()  # noqa: S608
        where = " AND ".join(f"{key} IS ?" for key in keys)
        try:
            connection.execute(f'UPDATE {table.name} SET "{column}" = ? WHERE {where}', (junk, *row))  # noqa: S608
        except sqlite3.IntegrityError:
            return False
    return True
