"""The ministry's transcript (học bạ số) as XML: who signs what, where the signature stands, and in which order.

    signed = sign_transcript(xml, Role.HOMEROOM, signer, timestamper=tsa)

The shape is that of the files in production (the ministry's XSD is not public). Subject teachers (GVBM) sign their subject's
results, the homeroom teacher (GVCN) the pupil's record, the head (CBQL) and then the school (KY_PHAT_HANH) all of it. The
teachers' signatures lie inside what the head signs: after the head's signature they can be neither added nor taken away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from signing.apply.certificates import check_kind
from signing.errors import WrongKind
from signing.evidence import Evidence
from signing.findings import finding
from signing.keys.signer import Signer
from signing.levels import Level
from signing.report import Finding, SignatureKind, SignatureReport
from signing.timestamps import Timestamper
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.xml.errors import NoSuchPlace, NothingToReference, OutOfTurn
from signing.xml.tree import Document, Element

if TYPE_CHECKING:
    from signing.xml.sign import PreparedXml

DATA = "DU_LIEU_HOC_BA"
RECORD = "THONG_TIN_HOC_BA"
RESULTS = "DIEM_TONG_KET"
RELEASE = "PHAT_HANH_HOC_BA"
TEACHERS = "DANH_SACH_GVBM"
MAX_NAMED = 40  # places in one finding: a pupil has about sixteen


class Role(StrEnum):
    """Who signs; the value is the name of the element in which the signature stands."""

    SUBJECT = "GVBM"  # giáo viên bộ môn
    HOMEROOM = "GVCN"  # giáo viên chủ nhiệm
    HEAD = "CBQL"  # cán bộ quản lý: hiệu trưởng or phó hiệu trưởng
    SCHOOL = "KY_PHAT_HANH"  # the school's own signature: the release


def _kind(role: Role) -> SignatureKind:
    """The release is the school's, everything else a person's (CV 2817/SGDĐT-VP; the order of signers in production)."""
    return SignatureKind.SEAL if role is Role.SCHOOL else SignatureKind.SIGNATURE


@dataclass(frozen=True, slots=True)
class _Place:
    role: Role
    element: Element
    target: Element | None  # what must be signed here; None: it is not in the document

    @property
    def taken(self) -> bool:
        return self.element.signatures > 0


def sign_transcript(
    xml: bytes,
    role: Role,
    signer: Signer,
    *,
    teacher: str | None = None,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    level: Level = Level.B_B,
    at: datetime | None = None,
) -> bytes:
    """The transcript with one more signature, at the place and over the part that the role fixes.

    `teacher` is the Id of the GVBM place, needed where there are several. Raises OutOfTurn when teachers have not all signed
    before the head, the head not before the school, or a teacher comes after the head; WrongKind where a person would release
    it or the school sign for a person; and what `sign_xml` raises.
    """
    from signing.xml.sign import sign_xml

    check_kind(signer.certificate, _kind(role))
    reference, place = turn(xml, role, teacher=teacher)
    return sign_xml(
        xml,
        reference_id=reference,
        place=place,
        signer=signer,
        timestamper=timestamper,
        evidence=evidence,
        trust=trust,
        level=level,
        at=at,
    )


def prepare_transcript(
    xml: bytes,
    role: Role,
    certificate: bytes,
    chain: Sequence[bytes] = (),
    *,
    teacher: str | None = None,
    level: Level = Level.B_B,
    at: datetime | None = None,
) -> "PreparedXml":
    """`sign_transcript` up to the point where the key is needed: for a token in its owner's hands."""
    from signing.xml.sign import prepare_xml

    check_kind(certificate, _kind(role))
    reference, place = turn(xml, role, teacher=teacher)
    return prepare_xml(xml, reference_id=reference, place=place, certificate=certificate, chain=chain, level=level, at=at)


def turn(xml: bytes, role: Role, *, teacher: str | None = None) -> tuple[str, str]:
    """The Id to reference and the path of the place, once it is this role's turn. Raises OutOfTurn, NoSuchPlace, ..."""
    from signing.xml.placing import read_signable

    document = read_signable(xml)
    places = _places(document)
    mine = [each for each in places if each.role is role and (teacher is None or each.element.attribute("Id") == teacher)]
    if len(mine) != 1:
        which = f"{role}{f' Id={teacher}' if teacher else ''}"
        raise NoSuchPlace(f"Học bạ có {len(mine)} chỗ ký {which}, cần một", f"The transcript has {len(mine)} places {which}")
    _check_turn(role, places)
    target = mine[0].target
    reference = target.attribute("Id") if target is not None else None
    if not reference:
        raise NothingToReference(
            f"Không tìm thấy phần mà {role} phải ký (Id)", f"What {role} must sign is not in the transcript, or has no Id"
        )
    return reference, mine[0].element.path


def _check_turn(role: Role, places: Sequence[_Place]) -> None:
    taken = {each.role for each in places if each.taken}
    teaching = {Role.SUBJECT, Role.HOMEROOM}
    if role in teaching and taken & {Role.HEAD, Role.SCHOOL}:
        raise OutOfTurn(
            "Cán bộ quản lý đã ký: chữ ký giáo viên thêm sau sẽ làm hỏng chữ ký đó",
            "The head has signed: a teacher's signature added now would break that one",
        )
    waiting = [each.element.path for each in places if each.role in teaching and not each.taken]
    if role not in teaching and waiting:
        raise OutOfTurn(f"Còn thiếu chữ ký giáo viên: {', '.join(waiting)}", f"Teachers have not signed: {', '.join(waiting)}")
    if role is Role.SCHOOL and Role.HEAD not in taken:
        raise OutOfTurn("Cán bộ quản lý phải ký trước khi phát hành", "The head must sign before the school releases")
    if role is Role.HEAD and Role.SCHOOL in taken:
        raise OutOfTurn("Học bạ đã phát hành", "The transcript is released already")


def transcript_faults(
    document: Document, name: Callable[[Element], str], signed: Sequence[tuple[Element, tuple[Element, ...]]]
) -> list[Finding]:
    """What is wrong with a transcript's signatures as a transcript; nothing for any other document."""
    if not is_transcript(document):
        return []
    places = _places(document)
    by_element = {each.element.number: each for each in places}
    faults: list[Finding] = []
    for signature, targets in signed:
        place = by_element.get(signature.parent.number) if signature.parent is not None else None
        if place is not None and targets and not any(target is place.target for target in targets):
            wanted = place.target.path if place.target is not None else "?"
            faults.append(finding("TRANSCRIPT_WRONG_REFERENCE", f"{name(signature)} -> {wanted}"))
        elif place is None:
            faults.append(finding("TRANSCRIPT_UNKNOWN_PLACE", name(signature)))
    empty = [each.element.path for each in islice((one for one in places if not one.taken), MAX_NAMED)]
    if empty:
        faults.append(finding("TRANSCRIPT_INCOMPLETE", ", ".join(empty)))
    return faults


def wrong_signers(document: Document, reports: Sequence[tuple[Element, SignatureReport]]) -> list[Finding]:
    """Places in which a certificate of the other kind signed: a person's for the school, or the school's for a person."""
    roles = {id(each.element): each.role for each in _places(document)} if is_transcript(document) else {}
    faults: list[Finding] = []
    for signature, report in reports:
        role = roles.get(id(signature.parent))
        if role is None or report.certificate is None:
            continue
        try:
            check_kind(report.certificate, _kind(role))
        except WrongKind:
            faults.append(finding("TRANSCRIPT_WRONG_SIGNER", f"{report.field}: {report.signer}"))
        except Fault:
            continue
    return faults


def unfinished(document: Document, path: str) -> bool:
    """Whether an element is a transcript's own data that somebody has yet to sign: a subject beside one that is signed."""
    data = next(document.root.elements(DATA), None)
    return data is not None and path.startswith(data.path + "/")


def is_transcript(document: Document) -> bool:
    """Whether the document has the shape."""
    return any(True for _ in document.root.elements(DATA))


def _places(document: Document) -> list[_Place]:
    """Every place for a signature, in document order, with what must be signed there."""
    data = next(document.root.elements(DATA), None)
    if data is None:
        return []
    record = next((each for each in data.walk() if each.local == RECORD), None)
    results = _Results(data)
    inside: dict[int, frozenset[str]] = {}  # by an element's number the names around it, as far as they matter
    found: list[_Place] = []
    for element in document.root.walk():
        parent = element.parent
        above = frozenset[str]() if parent is None else inside[parent.number]
        inside[element.number] = above | {element.local} if element.local in _AROUND else above
        if element.local == Role.SUBJECT and parent is not None and parent.local == TEACHERS:
            found.append(_Place(Role.SUBJECT, element, results.of(element)))
        elif element.local == Role.HOMEROOM and DATA in above and not above & {RECORD, RESULTS}:
            found.append(_Place(Role.HOMEROOM, element, record))
        elif element.local in {Role.HEAD, Role.SCHOOL} and RELEASE in above:
            found.append(_Place(Role(element.local), element, data))
    return found


_AROUND = frozenset({DATA, RECORD, RESULTS, RELEASE})


class _Results:
    """Which results are whose: those that name a teacher; with a single subject, that one."""

    def __init__(self, data: Element) -> None:
        self._all: list[Element] = []
        self._by_teacher: dict[str, list[Element]] = {}
        around: dict[int, Element | None] = {}  # by an element's number the results that it stands in
        for element in data.walk():
            above = around.get(element.parent.number) if element.parent is not None else None
            around[element.number] = element if element.local == RESULTS else above
            if element.local == RESULTS:
                self._all.append(element)
            own = element.attribute("Id") if element.local == Role.SUBJECT and above is not None else None
            if own is not None and above is not None and above not in (known := self._by_teacher.setdefault(own, []))[:2]:
                known.append(above)

    def of(self, place: Element) -> Element | None:
        """Those that the teacher of this place must sign; None where they are none or several."""
        named = self._by_teacher.get(place.attribute("Id") or "", [])
        if len(named) == 1:
            return named[0]
        return self._all[0] if len(self._all) == 1 else None
