"""The archive timestamp of CAdES (EN 319 122-1, 5.5.3: archive-time-stamp-v3 with ats-hash-index-v3, 5.5.2).

    archives = read_archives(container, content)         # for `signing.beside`
    container = with_archive(container, data, timestamper)

Such a timestamp does not hash the container as it stands but a list of digests, the index, that lies in its own unsigned
attributes: so certificates and revocation values may be added to the container later without breaking it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from signing.beside import Archive
from signing.der import der, octets, oid, sequence
from signing.proof import Beside
from signing.signed_content import Data, SignedContent
from signing.timestamps import Timestamper, check_token
from signing.verification.der import INTEGER, OCTET_STRING, SEQUENCE, SET, Node, read, siblings
from signing.verification.faults import BadSignedData, Fault
from signing.verification.signed_data import SIGNATURE_TIMESTAMP, digest_name, digest_of

ARCHIVE_V3 = "0.4.0.1733.2.4"
INDEX_V3 = "0.4.0.19122.1.5"
_INDEX_V2 = "0.4.0.19122.1.4"  # like version 3, with SHA-256 where no algorithm is named
_INDEX_V1 = "0.4.0.1733.2.5"  # hashes whole attributes instead of each value
_OLDER = {"1.2.840.113549.1.9.16.2.48": "archive-time-stamp-v2", "1.2.840.113549.1.9.16.2.27": "archive-time-stamp"}
COUNTERSIGNATURE = "1.2.840.113549.1.9.6"
CERT_VALUES = "1.2.840.113549.1.9.16.2.23"
REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24"

_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"  # id-ri-ocsp-response, RFC 5940

MAX_ARCHIVES = 64  # of one signature: with one renewal in ten years more than enough
MAX_SIGNERS = 32  # in one container
MAX_COPIES_BYTES = 512 * 1024 * 1024  # of a container with its content, once for each signer
MAX_HASHES = 4096  # in one list of an index
MAX_SHARED = 4096  # certificates, or lists and answers, of one container; after twenty renewals about sixty
MAX_VALUES = 8192  # unsigned values of a signature beside which archive timestamps are read; real ones have about 20
_SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"))
_UNSIGNED = 0xA1
_CERTIFICATES, _LISTS = 0xA0, 0xA1


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The parts of a CMS that an archive timestamp is about, as they stand."""

    content_type: bytes
    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...]  # RevocationInfoChoice: a CRL, or [1] with an OCSP answer in it
    signer: tuple[bytes, ...]  # the fields of the SignerInfo up to its signature
    unsigned: tuple[Node, ...]  # its unsigned attributes
    after: tuple[bytes, ...]  # everything around, to write it again: kind, version, digest algorithms, encapsulated content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """An ats-hash-index as it is written in the token."""

    raw: bytes
    digest: str
    certificates: frozenset[bytes]
    lists: frozenset[bytes]
    attributes: frozenset[bytes]
    whole_attributes: bool  # version 1


def open_container(container: bytes) -> Container:
    """The container with its single SignerInfo. Raises Fault."""
    try:
        return _opened(container)
    except (IndexError, ValueError) as fault:
        raise BadSignedData(f"the CMS is not as it must be: {fault}") from fault


def _opened(container: bytes) -> Container:
    kind, wrapped = read(container).expect(SEQUENCE).children()[:2]
    version, digests, content, *more = wrapped.children()[0].expect(SEQUENCE).children()
    if not more:
        raise BadSignedData("the CMS SignedData is too short")
    certificates: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    for part in more[:-1]:
        if part.tag == _CERTIFICATES:
            certificates = tuple(each.raw for each in part.children())
        elif part.tag == _LISTS:
            lists = tuple(each.raw for each in part.children())
    (info,) = more[-1].expect(SET).children()
    signer = info.expect(SEQUENCE).children()
    unsigned = tuple(signer[-1].children()) if signer[-1].tag == _UNSIGNED else ()
    return Container(
        content_type=content.children()[0].raw,
        certificates=certificates,
        lists=lists,
        signer=tuple(each.raw for each in (signer[:-1] if signer[-1].tag == _UNSIGNED else signer)),
        unsigned=unsigned,
        after=(kind.raw, version.raw, digests.raw, content.raw),
    )


def check_shared(container: bytes) -> None:
    """Not more certificates and lists than anybody has: each signer is judged beside all of them. Raises Fault."""
    try:
        for part in read(container).expect(SEQUENCE).children()[1].children()[0].expect(SEQUENCE).children()[3:-1]:
            held = siblings(part.data, part.body, part.end)
            if part.tag in {_CERTIFICATES, _LISTS} and sum(1 for _ in islice(held, MAX_SHARED + 1)) > MAX_SHARED:
                raise BadSignedData(f"more than {MAX_SHARED} certificates or lists")
    except (IndexError, ValueError) as fault:
        raise BadSignedData(f"the CMS is not as it must be: {fault}") from fault


def one_by_one(container: bytes) -> tuple[bytes, ...]:
    """The container once for each of its SignerInfos, which sign side by side (RFC 5652, 5.1). Raises Fault.

    Where there is one, it is the container as it is.
    """
    try:
        kind, wrapped = read(container).expect(SEQUENCE).children()[:2]
        *before, signers = wrapped.children()[0].expect(SEQUENCE).children()
        found = signers.expect(SET).children()
    except (IndexError, ValueError) as fault:
        raise BadSignedData(f"the CMS is not as it must be: {fault}") from fault
    if len(found) < 2:  # noqa: PLR2004
        return (container,)
    if len(found) > MAX_SIGNERS or len(found) * len(container) > MAX_COPIES_BYTES:
        raise BadSignedData(f"{len(found)} SignerInfos over {len(container)} bytes; at most {MAX_SIGNERS} are read")
    kept = [each.raw for each in before]
    return tuple(sequence(kind.raw, der(0xA0, sequence(*kept, der(SET, each.raw)))) for each in found)


def is_countersigned(container: Container) -> bool:
    """Whether somebody signed this signature (RFC 5652, 11.4)."""
    return any(_kind(each) == COUNTERSIGNATURE for each in container.unsigned)


def older_kinds(container: Container) -> tuple[str, ...]:
    """Archive timestamps of kinds that are not read: by name, for a finding."""
    return tuple(_OLDER[kind] for each in container.unsigned if (kind := each.children()[0].oid()) in _OLDER)


def read_archives(container: Container, content: SignedContent) -> tuple[Archive, ...]:
    """Every archive-time-stamp-v3 of the signature, with what it must be over and what stands under it."""
    tokens = [value.raw for each in container.unsigned if _kind(each) == ARCHIVE_V3 for value in _values(each)]
    hashed = _Hashed(container)
    return tuple(_archive(token, container, content, hashed) for token in tokens[:MAX_ARCHIVES])


def _archive(token: bytes, container: Container, content: SignedContent, hashed: "_Hashed") -> Archive:
    try:
        index = _index_in(token)
        covers = _covered(index, hashed, token)
    except (Fault, IndexError, ValueError):
        return Archive(token=token, expected=lambda _: b"", covers=frozenset())
    return Archive(token=token, expected=_imprint(container, content, index.raw), covers=covers)


def _imprint(container: Container, content: SignedContent, index: bytes) -> Callable[[str], bytes]:
    """5.5.3: the content type, the digest of the data, the SignerInfo up to its signature, and the index."""
    return lambda name: digest_of(name, b"".join((container.content_type, content.digest(name), *container.signer, index)))


def _index_in(token: bytes) -> _Index:
    """The index among the unsigned attributes of a token. Raises Fault."""
    for attribute in open_container(token).unsigned:
        kind = _kind(attribute)
        if kind in {INDEX_V3, _INDEX_V2, _INDEX_V1}:
            (value,) = _values(attribute)
            fields = value.expect(SEQUENCE).children()
            # AlgorithmIdentifier, or left out (SHA-256) in the older versions: then three lists.
            named = len(fields) == 4  # noqa: PLR2004
            lists = [_hashes(each) for each in (fields[1:] if named else fields)]
            if len(lists) != 3 or (not named and kind == INDEX_V3):  # noqa: PLR2004
                raise BadSignedData("the ats-hash-index is not as it must be")
            return _Index(
                raw=value.raw,
                digest=digest_name(fields[0]) if named else "sha256",
                certificates=lists[0],
                lists=lists[1],
                attributes=lists[2],
                whole_attributes=kind == _INDEX_V1,
            )
    raise BadSignedData("the archive timestamp has no ats-hash-index")


def _hashes(node: Node) -> frozenset[bytes]:
    found = node.expect(SEQUENCE).children()
    if len(found) > MAX_HASHES:
        raise BadSignedData(f"{len(found)} hashes in the ats-hash-index; at most {MAX_HASHES} are read")
    return frozenset(each.expect(OCTET_STRING).content for each in found)


class _Hashed:
    """The values of a container by their digests, which all archive timestamps ask for: each is hashed once."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._values = [(each, value) for each in container.unsigned for value in _values(each)]
        self._known: dict[tuple[str, bool], _ByDigest] = {}

    def by(self, digest: str, *, whole: bool) -> "_ByDigest":
        """Certificates, lists and attribute values by their digest (`whole`: attributes as they stand). Raises Fault."""
        if (digest, whole) not in self._known:
            if len(self._values) > MAX_VALUES:
                raise BadSignedData(f"{len(self._values)} unsigned values; archive timestamps are read beside {MAX_VALUES}")
            attributes: dict[bytes, list[_Attribute]] = {}
            for each, value in self._values:  # as a whole, an attribute has one digest for all its values
                attributes.setdefault(digest_of(digest, _hashed_of(each, value, whole=whole)), []).append((each, value))
            self._known[digest, whole] = (
                {digest_of(digest, each): each for each in self._container.certificates},
                {digest_of(digest, each): each for each in self._container.lists},
                attributes,
            )
        return self._known[digest, whole]


_Attribute = tuple[Node, Node]  # and one of its values
_ByDigest = tuple[dict[bytes, bytes], dict[bytes, bytes], dict[bytes, list[_Attribute]]]


def _hashed_of(attribute: Node, value: Node, *, whole: bool) -> bytes:
    return attribute.raw if whole else attribute.children()[0].raw + value.raw


def _covered(index: _Index, hashed: _Hashed, token: bytes) -> frozenset[bytes]:
    """The values that the index names. Raises Fault where it names one that is not there: something was taken out (5.5.2)."""
    certificates, lists, attributes = hashed.by(index.digest, whole=index.whole_attributes)
    under: set[bytes] = set()
    for digest in index.certificates | index.lists:
        for known in (certificates, lists):
            if digest in known:
                under.update((known[digest], *_inside(known[digest])))
    here: set[bytes] = set()
    for digest in index.attributes:
        for attribute, value in attributes.get(digest, ()):
            if value.raw != token:
                here.add(digest)
                under.update((value.raw, *_kept_in(attribute)))
    if index.certificates - certificates.keys() or index.lists - lists.keys() or index.attributes - here:
        raise BadSignedData("values that the archive timestamp covers are not there any more")
    return frozenset(under)


def _inside(choice: bytes) -> tuple[bytes, ...]:
    """The OCSP answer in a RevocationInfoChoice of another kind (RFC 5940)."""
    node = read(choice)
    fields = node.children() if node.tag == _LISTS else []
    return tuple(each.raw for each in fields[1:])


def kept_values(container: Container) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    """Certificates, OCSP answers and lists of the attributes certificate-values and revocation-values (A.1.1), as others keep
    them: (certificates, OCSPResponse or BasicOCSPResponse made one, lists).
    """
    certificates: list[bytes] = []
    ocsps: list[bytes] = []
    lists: list[bytes] = []
    for attribute in container.unsigned:
        kind = _kind(attribute)
        for value in _values(attribute) if kind in {CERT_VALUES, REVOCATION_VALUES} else ():
            try:
                if kind == CERT_VALUES:
                    certificates += [each.raw for each in value.children()]
                else:
                    _sort_out(value, ocsps, lists)
            except (Fault, IndexError, ValueError):
                continue  # nobody signed it: what cannot be read is as if it were not there
    return tuple(certificates), tuple(ocsps), tuple(lists)


def _sort_out(values: Node, ocsps: list[bytes], lists: list[bytes]) -> None:
    """RevocationValues (EN 319 122-1, A.1.1.3): [0] lists, [1] OCSP answers."""
    for part in values.children():
        held = [each.raw for each in part.children()[0].children()]
        if part.tag == 0xA0:  # noqa: PLR2004 -- [0] crlVals
            lists += held
        elif part.tag == 0xA1:  # noqa: PLR2004 -- [1] ocspVals
            ocsps += [_response(each) for each in held]


def _kept_in(attribute: Node) -> tuple[bytes, ...]:
    """What certificate-values and revocation-values hold, for the list of what is covered."""
    if _kind(attribute) not in {CERT_VALUES, REVOCATION_VALUES}:
        return ()
    alone = Container(content_type=b"", certificates=(), lists=(), signer=(), unsigned=(attribute,), after=())
    return tuple(value for values in kept_values(alone) for value in values)


def _response(basic: bytes) -> bytes:
    """An OCSPResponse around a BasicOCSPResponse (RFC 6960, 4.2.1), as whoever reads answers expects it."""
    held = sequence(oid("1.3.6.1.5.5.7.48.1.1"), octets(basic))
    return sequence(der(0x0A, b"\0"), der(0xA0, held))


def _kind(attribute: Node) -> str:
    return attribute.children()[0].oid()


def _values(attribute: Node) -> list[Node]:
    return attribute.children()[1].expect(SET).children()


# Making


def with_archive(container: bytes, data: Data, timestamper: Timestamper) -> bytes:
    """The container with one more archive timestamp over everything that it holds now. Raises TimestampRefused."""
    opened = open_container(container)
    index = _new_index(opened)
    imprint = _imprint(opened, SignedContent(data), index)("sha256")
    token = timestamper.timestamp(imprint)
    check_token(token, imprint)
    attribute = sequence(oid(ARCHIVE_V3), der(0x31, _with_index(token, index)))
    return written(opened, unsigned=(*(each.raw for each in opened.unsigned), attribute))


def with_timestamp(container: bytes, token: bytes) -> bytes:
    """The container with a timestamp over its signature value."""
    opened = open_container(container)
    attribute = sequence(oid(SIGNATURE_TIMESTAMP), der(0x31, token))
    return written(opened, unsigned=(*(each.raw for each in opened.unsigned), attribute))


def with_kept(container: bytes, certificates: Sequence[bytes], lists: Sequence[bytes]) -> bytes:
    """The container with these certificates and RevocationInfoChoices as well. No byte of the SignerInfo is touched."""
    return written(open_container(container), certificates=certificates, lists=lists)


def with_values(container: bytes, beside: Beside) -> bytes:
    """B-LT (EN 319 122-1, 5.5.3 and 6.3): every certificate into `certificates`, revocation values into `crls`."""
    ocsps = [der(_LISTS, oid(_OCSP_RESPONSE), each) for each in beside.revocation.ocsps]
    return with_kept(container, beside.certificates, (*beside.revocation.crls, *ocsps))


def written(
    opened: Container,
    *,
    unsigned: Sequence[bytes] | None = None,
    certificates: Sequence[bytes] = (),
    lists: Sequence[bytes] = (),
) -> bytes:
    """The container again, in DER's order, with more in it."""
    kind, version, digests, content = opened.after
    attributes = [each.raw for each in opened.unsigned] if unsigned is None else list(unsigned)
    all_certificates = sorted({*opened.certificates, *certificates})
    all_lists = sorted({*opened.lists, *lists})
    others = any(each[0] == _LISTS for each in all_lists)
    signer = sequence(*opened.signer, *((der(_UNSIGNED, *sorted(attributes)),) if attributes else ()))
    return sequence(
        kind,
        der(
            0xA0,
            sequence(
                der(INTEGER, b"\x05") if others else version,  # RFC 5652, 5.1: 5 with revocation data of another kind
                digests,
                content,
                *((der(_CERTIFICATES, *all_certificates),) if all_certificates else ()),
                *((der(_LISTS, *all_lists),) if all_lists else ()),
                der(SET, signer),
            ),
        ),
    )


def _new_index(opened: Container) -> bytes:
    """An ats-hash-index-v3 of everything that is there."""
    certificates, lists = (
        sequence(*(octets(hashlib.sha256(each).digest()) for each in values)) for values in (opened.certificates, opened.lists)
    )
    attributes = [
        octets(hashlib.sha256(each.children()[0].raw + value.raw).digest())
        for each in opened.unsigned
        for value in _values(each)
    ]
    return sequence(_SHA256, certificates, lists, sequence(*attributes))


def _with_index(token: bytes, index: bytes) -> bytes:
    """A token with the index among its unsigned attributes: its own signature does not cover those."""
    opened = open_container(token)
    attribute = sequence(oid(INDEX_V3), der(0x31, index))
    return written(opened, unsigned=(*(each.raw for each in opened.unsigned), attribute))


def tokens_of(opened: Container) -> tuple[bytes, ...]:
    """Every timestamp token on the signature, signature and archive timestamps alike."""
    kinds = {SIGNATURE_TIMESTAMP, ARCHIVE_V3}
    return tuple(value.raw for each in opened.unsigned if _kind(each) in kinds for value in _values(each))
