"""The log's tree against the definitions of RFC 6962, written out here once more as they stand there."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import BadProof, NotInLog
from storage.merkle import (
    EMPTY_ROOT,
    Hash,
    Node,
    grow,
    hash_leaf,
    hash_span,
    nodes_of,
    position,
    root_of,
    spans_of_consistency,
    spans_of_inclusion,
    verify_consistency,
    verify_inclusion,
)

# --- the RFC's own words, section 2.1 ---


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = largest_power(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = largest_power(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if complete else [mth(leaves)]
    k = largest_power(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], complete), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], complete=False), mth(leaves[:k])]


def largest_power(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


# --- ours ---


class Tree:
    """All nodes of a tree, kept as the store keeps them: in a row, by position."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.kept: list[Hash] = []
        self.roots = [EMPTY_ROOT]
        frontier: list[Hash] = []
        for size, leaf in enumerate(leaves):
            frontier, made = grow(frontier, size, hash_leaf(leaf))
            self.kept += made
            self.roots.append(root_of(frontier))

    def read(self, node: Node) -> Hash:
        """By position."""
        return self.kept[position(node)]

    def inclusion(self, index: int, size: int) -> list[Hash]:
        """From the nodes."""
        return [hash_span(span, self.read) for span in spans_of_inclusion(index, size)]

    def consistency(self, old: int, new: int) -> list[Hash]:
        """From the nodes."""
        return [hash_span(span, self.read) for span in spans_of_consistency(old, new)]


LEAVES = [bytes([number]) * (number % 5) + b"leaf" for number in range(70)]
TREE = Tree(LEAVES)


def test_roots_are_those_of_the_rfc() -> None:
    """Whoever hashes the entries by the book gets our root, at every size."""
    assert TREE.roots == [mth(LEAVES[:size]) for size in range(71)]
    assert len(TREE.kept) == nodes_of(70)


def test_known_vectors() -> None:
    """The test vectors of Certificate Transparency's reference implementation (RFC 6962 hashing)."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    leaves.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
    tree = Tree(leaves)

    assert tree.roots[1].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree.roots[2].hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert tree.roots[8].hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(1, 71))
def test_proofs_are_those_of_the_rfc_and_are_accepted(size: int) -> None:
    """Every entry of every tree up to 70, and every older tree within it."""
    for index in range(size):
        proof = TREE.inclusion(index, size)
        assert proof == path(index, LEAVES[:size])
        verify_inclusion(hash_leaf(LEAVES[index]), index, size, proof, TREE.roots[size])
    for old in range(size + 1):
        proof = TREE.consistency(old, size)
        assert proof == (subproof(old, LEAVES[:size], complete=True) if old else [])
        verify_consistency(old, size, proof, TREE.roots[old], TREE.roots[size])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_other_inclusion_proof_is_accepted(data: st.DataObject) -> None:
    """One changed, missing or additional hash, another index, size, root or leaf: refused."""
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = TREE.inclusion(index, size), TREE.roots[size], hash_leaf(LEAVES[index])
    other = data.draw(st.binary(min_size=32, max_size=32))
    wrongs = [
        (other, index, size, proof, root),
        (leaf, index, size, proof, other),
        (leaf, index, size, [*proof, other], root),
        (leaf, index, size, [*proof, *([other] * 70)], root),
        (leaf, size, size, proof, root),
        (leaf, -1, size, proof, root),
        (leaf, index, size, [*proof[:-1], b"short"], root),
        *((leaf, index, size, proof[:cut], root) for cut in range(len(proof))),
        *((leaf, index, size, [*proof[:at], other, *proof[at + 1 :]], root) for at in range(len(proof))),
    ]
    if size > 1:
        wrongs.append((leaf, (index + 1) % size, size, proof, root))

    for wrong in wrongs:
        with pytest.raises(BadProof):
            verify_inclusion(*wrong)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_other_consistency_proof_is_accepted(data: st.DataObject) -> None:
    """A log that was changed in its past cannot show that it continues."""
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    proof, before, after = TREE.consistency(old, new), TREE.roots[old], TREE.roots[new]
    other = data.draw(st.binary(min_size=32, max_size=32))

    wrongs = [
        (old, new, proof, other, after),
        (old, new, proof, before, other),
        (old, new, [*proof, other], before, after),
        (old, new, [], before, after),
        (new, old, proof, before, after),
        (-1, new, proof, before, after),
        (0, new, proof, EMPTY_ROOT, after),
        (0, new, [], before, after),
        (new, new, [], before, after),
        *((old, new, proof[:cut], before, after) for cut in range(len(proof))),
        *((old, new, [*proof[:at], other, *proof[at + 1 :]], before, after) for at in range(len(proof))),
    ]
    for wrong in wrongs:
        with pytest.raises(BadProof):
            verify_consistency(*wrong)


@given(st.integers(0, 2**40), st.integers(0, 20))
def test_positions_are_unique_and_grow(index: int, level: int) -> None:
    """A node's place is taken by no other, and comes after its two children."""
    node = Node(level, index)
    here = position(node)

    assert here < position(Node(level, index + 1))
    if level:
        assert position(Node(level - 1, 2 * index)) < position(Node(level - 1, 2 * index + 1)) == here - 1


def test_what_is_not_in_the_log_has_no_proof() -> None:
    """Asking beyond the end is an error of ours, not a crash."""
    for index, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(NotInLog):
            spans_of_inclusion(index, size)
    for old, new in ((6, 5), (-1, 5)):
        with pytest.raises(NotInLog):
            spans_of_consistency(old, new)
