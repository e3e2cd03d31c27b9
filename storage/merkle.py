"""The hash tree of RFC 6962, section 2.1. Pure: what is stored where is not handled here.

    root = root_of(frontier)                                   # of the whole log
    verify_inclusion(leaf_hash, index, size, proof, root)      # raises BadProof
    verify_consistency(old, new, proof, old_root, new_root)    # raises BadProof

A *node* (level, number) is the root of the complete subtree over the leaf number * 2**level and the next 2**level - 1.
Complete subtrees never change, so they are what is kept; everything else is hashed from at most 2 * log2(size) of them.
A *span* is a range of leaves as the RFC cuts the tree; `spans_*` say which spans a proof consists of, and `hash_span`
makes the hash of a span from its nodes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from hashlib import sha256
from typing import NamedTuple

from storage.errors import BadProof, NotInLog
from workflow.errors import both

Hash = bytes  # 32 bytes

EMPTY_ROOT: Hash = sha256(b"").digest()

# 2**63 leaves would take a thousand years at ten million a second; a longer proof is an attack on our patience.
LONGEST_PROOF = 63


class Node(NamedTuple):
    """A complete subtree."""

    level: int
    number: int


class Span(NamedTuple):
    """Leaves begin, ..., end - 1."""

    begin: int
    end: int


def hash_leaf(leaf: bytes) -> Hash:
    """The 0x00 keeps a leaf from being taken for a node."""
    return sha256(b"\x00" + leaf).digest()


def hash_pair(left: Hash, right: Hash) -> Hash:
    """The parent of two nodes."""
    return sha256(b"\x01" + left + right).digest()


# --- the growing tree ------------------------------------------------------------------------------------------------


def position(node: Node) -> int:
    """The place of a node in the order in which nodes come to be complete; so storing only ever adds at the end."""
    last = ((node.number + 1) << node.level) - 1  # the leaf that completes it
    return nodes_of(last) + node.level


def nodes_of(size: int) -> int:
    """How many complete nodes a tree of this size has."""
    return 2 * size - size.bit_count()


def grow(frontier: Sequence[Hash], size: int, leaf_hash: Hash) -> tuple[list[Hash], list[Hash]]:
    """Add a leaf: the new frontier, and the nodes that became complete, in the order of their positions.

    The frontier are the roots of the complete subtrees of a tree, from the largest, on the left, to the smallest.
    """
    frontier = list(frontier)
    made = [leaf_hash]
    while size & 1:  # each trailing one is a left sibling that waited
        made.append(hash_pair(frontier.pop(), made[-1]))
        size >>= 1
    frontier.append(made[-1])
    return frontier, made


def root_of(frontier: Sequence[Hash]) -> Hash:
    """The root of the whole tree."""
    if not frontier:
        return EMPTY_ROOT
    return reduce(lambda right, left: hash_pair(left, right), reversed(frontier[:-1]), frontier[-1])


# --- spans and nodes -------------------------------------------------------------------------------------------------


def nodes_in(span: Span) -> list[Node]:
    """The complete subtrees that make up a span, from left to right. A span begins at a multiple of its length's power."""
    nodes, begin = [], span.begin
    while begin < span.end:
        level = (span.end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def hash_span(span: Span, read: Callable[[Node], Hash]) -> Hash:
    """The hash of a span from its nodes; the empty span gives the root of the empty tree."""
    return root_of([read(node) for node in nodes_in(span)])


def spans_of_inclusion(index: int, size: int) -> list[Span]:
    """RFC 6962, 2.1.1: the siblings on the way from the leaf to the root, the leaf's first. NotInLog."""
    if not 0 <= index < size:
        raise NotInLog(
            both(f"Nhật ký có {size} mục, không có mục {index}", f"The log has {size} entries and none with the number {index}")
        )
    spans = []
    whole = Span(0, size)
    while whole.end - whole.begin > 1:
        middle = whole.begin + _split(whole.end - whole.begin)
        left, right = Span(whole.begin, middle), Span(middle, whole.end)
        spans.append(right if index < middle else left)
        whole = left if index < middle else right
    return spans[::-1]


def spans_of_consistency(old: int, new: int) -> list[Span]:
    """RFC 6962, 2.1.2: what shows that the first `old` leaves of the tree of size `new` are the old tree. NotInLog."""
    if not 0 <= old <= new:
        raise NotInLog(
            both(f"Không có nhật ký cỡ {old} trong nhật ký cỡ {new}", f"No log of size {old} within one of size {new}")
        )
    if old in {0, new}:
        return []
    spans, whole, complete = [], Span(0, new), True
    while old != whole.end:
        middle = whole.begin + _split(whole.end - whole.begin)
        left, right = Span(whole.begin, middle), Span(middle, whole.end)
        spans.append(right if old <= middle else left)
        complete = complete and old <= middle
        whole = left if old <= middle else right
    # If the old tree is a complete subtree of the new one, its root is known to whoever checks.
    return spans[::-1] if complete else [whole, *spans[::-1]]


def _split(length: int) -> int:
    """The largest power of two below the length."""
    return 1 << ((length - 1).bit_length() - 1)


# --- checking --------------------------------------------------------------------------------------------------------


def verify_inclusion(leaf_hash: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> None:
    """BadProof unless the leaf stands at this index in the tree with this root (RFC 9162, 2.1.3.2)."""
    _require_hashes([leaf_hash, root, *proof])
    if not 0 <= index < size:
        raise BadProof(both(f"Mục {index} không thuộc nhật ký cỡ {size}", f"Entry {index} is not in a log of size {size}"))
    found = leaf_hash
    for sibling, is_left in _climb(index, size - 1, proof):
        found = hash_pair(sibling, found) if is_left else hash_pair(found, sibling)
    if found != root:
        raise _wrong("mục này không có trong nhật ký", "this entry is not in the log")


def verify_consistency(old: int, new: int, proof: Sequence[Hash], old_root: Hash, new_root: Hash) -> None:
    """BadProof unless the tree with the new root only adds leaves to the old one (RFC 9162, 2.1.4.2)."""
    _require_hashes([old_root, new_root, *proof])
    if not 0 <= old <= new:
        raise BadProof(both(f"Cỡ {old} không thể có trước cỡ {new}", f"Size {old} cannot come before size {new}"))
    if old in {0, new}:
        known = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != known:
            raise _wrong("hai đầu nhật ký khác nhau", "the two heads differ")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise _wrong("bằng chứng rỗng", "the proof is empty")
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    older = newer = path[0]
    for sibling, is_left in _climb(here, last, path[1:]):
        older = hash_pair(sibling, older) if is_left else older
        newer = hash_pair(sibling, newer) if is_left else hash_pair(newer, sibling)
    if older != old_root or newer != new_root:
        raise _wrong("nhật ký mới không nối tiếp nhật ký cũ", "the new log does not continue the old one")


def _climb(here: int, last: int, siblings: Iterable[Hash]) -> Iterator[tuple[Hash, bool]]:
    """Each sibling on the way from node `here` of a row up to the root, and whether it is the left one. BadProof."""
    for sibling in siblings:
        if last == 0:
            raise _wrong("bằng chứng quá dài", "the proof is too long")
        is_left = bool(here & 1) or here == last
        yield sibling, is_left
        while is_left and not here & 1 and here:  # the last node of a row without a sibling goes up as it is
            here, last = here >> 1, last >> 1
        here, last = here >> 1, last >> 1
    if last != 0:
        raise _wrong("bằng chứng quá ngắn", "the proof is too short")


def _require_hashes(hashes: Iterable[Hash]) -> None:
    hashes = list(hashes)
    if len(hashes) > LONGEST_PROOF + 2 or any(len(one) != sha256().digest_size for one in hashes):
        raise _wrong("không phải mã băm SHA-256", "not SHA-256 hashes")


def _wrong(vi: str, en: str) -> BadProof:
    return BadProof(both(f"Bằng chứng nhật ký không đúng: {vi}", f"The log's proof is wrong: {en}"))
