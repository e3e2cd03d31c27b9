"""What is signed broken and signed again with the right key: so the checks behind the signature value are reached.

A signature's attributes, its certificate, its timestamp, and the OCSP answers and lists of the store, each broken at any
node of its DER. The keys are the demo authority's own.
"""

import hashlib
import random
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from bench.broken.asn1 import Node, broken
from bench.broken.text import HOLE, likely
from signing.demo.certificates import PrivateKey, load, signature
from signing.keys.file import FileSigner

_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_TOKEN_ATTRIBUTE = bytes.fromhex("2a864886f70d010910020e")
_START, _ROOT, _DSS = re.compile(rb"startxref\s+(\d+)"), re.compile(rb"/Root (\d+ 0 R)"), re.compile(rb"/DSS (\d+) 0 R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The private halves, by what they sign."""

    person: FileSigner
    issuing: PrivateKey  # certificates of persons, their revocation list
    tsa: PrivateKey
    responder: PrivateKey

    @classmethod
    def of(cls, folder: Path, person: FileSigner) -> "Keys":
        """The keys of the demo authority in this folder."""

        def key(stem: str) -> PrivateKey:
            identity = load(folder / "authority", stem)
            if identity is None:
                raise TypeError(f"{stem} is not in {folder}")
            return identity.key

        return cls(person=person, issuing=key("issuing"), tsa=key("tsa"), responder=key("ocsp"))


def container_broken(pdf: bytes, keys: Keys, chance: random.Random) -> bytes:
    """The PDF with one signature's container broken somewhere and sealed again where a key of ours fits."""
    holes = list(HOLE.finditer(pdf))
    hole = chance.choice(holes)
    room = (len(hole.group()) - 2) // 2
    held = bytes.fromhex(hole.group()[1:-1].decode())
    tree = Node.read(held)
    try:
        chance.choice((_anywhere, _attributes, _attributes, _certificate, _certificate, _stamped, _stamped))(tree, keys, chance)
        der = tree.write()
    except (IndexError, RecursionError, AttributeError, StopIteration):  # not such a tree: a timestamp, or broken before
        der = held[: chance.randrange(len(held))]
    if len(der) > room:
        der = der[:room]
    return pdf[: hole.start() + 1] + der.hex().encode().ljust(2 * room, b"0") + pdf[hole.end() - 1 :]


def _anywhere(tree: Node, keys: Keys, chance: random.Random) -> None:
    del keys
    broken(tree, chance)


def _signer(tree: Node) -> Node:
    """The SignerInfo."""
    return tree.at(1, 0, -1, 0)


def _signed_attributes(tree: Node) -> Node:
    return next(each for each in _signer(tree).children or () if each.tag == 0xA0)  # noqa: PLR2004 -- [0], RFC 5652 5.3


def _attributes(tree: Node, keys: Keys, chance: random.Random) -> None:
    broken(_signed_attributes(tree), chance)
    _seal(tree, keys)


def _seal(tree: Node, keys: Keys) -> None:
    """The signer's value anew over the attributes as they are."""
    attributes = _signed_attributes(tree).copy()
    attributes.tag = 0x31  # a SET OF, as it is signed
    value = next(each for each in _signer(tree).children or () if each.tag == 0x04)  # noqa: PLR2004 -- OCTET STRING
    value.content = keys.person.sign(attributes.write(), "sha256")


def _certificate(tree: Node, keys: Keys, chance: random.Random) -> None:
    """The signer's certificate broken, issued again, and bound again by its digest."""
    held = tree.at(1, 0)
    certificates = next(each for each in held.children or () if each.tag == 0xA0)  # noqa: PLR2004 -- [0] certificates
    own = keys.person.certificate
    certificate = next(each for each in certificates.children or () if each.write() == own)
    broken(certificate.at(0), chance)
    value = certificate.at(2)
    value.content = b"\0" + signature(keys.issuing, certificate.at(0).write(), hashes.SHA256())
    before, after = hashlib.sha256(own).digest(), hashlib.sha256(certificate.write()).digest()
    for node in _signed_attributes(tree).walk():
        if node.content == before:
            node.content = after
    _seal(tree, keys)


def _stamped(tree: Node, keys: Keys, chance: random.Random) -> None:
    """The timestamp in the unsigned attributes, or the container itself where it is one."""
    for node in _signer(tree).walk():
        if node.children and node.children[0].content == _TOKEN_ATTRIBUTE:
            _token(node.at(1, 0), keys, chance)
            return
    _token(tree, keys, chance)


def _token(token: Node, keys: Keys, chance: random.Random) -> None:
    """A timestamp token broken in its statement or its attributes and signed again by the authority."""
    if likely(chance, 0.6):
        held = token.at(1, 0, 2, 1, 0)  # eContent: the TSTInfo
        statement = Node.read(held.content)
        broken(statement, chance)
        held.content = statement.write()
        digest = hashlib.sha256(held.content).digest()
        for node in _signed_attributes(token).walk():
            if node.children and node.children[0].content == _MESSAGE_DIGEST:
                node.at(1, 0).content = digest
    else:
        broken(_signed_attributes(token), chance)
    attributes = _signed_attributes(token).copy()
    attributes.tag = 0x31
    value = next(each for each in _signer(token).children or () if each.tag == 0x04)  # noqa: PLR2004
    value.content = signature(keys.tsa, attributes.write(), hashes.SHA256())


def store_broken(pdf: bytes, ocsp: bytes, crl: bytes, keys: Keys, chance: random.Random) -> bytes:
    """The PDF with a later revision whose security store holds an answer and a list that are broken and signed again."""
    start, root = _START.findall(pdf)[-1], _ROOT.findall(pdf)[-1]
    store = _DSS.findall(pdf)
    values = {20_001: _answer(ocsp, keys, chance), 20_002: _list(crl, keys, chance)}
    certificate = Node.read(keys.person.certificate)
    broken(certificate, chance)
    values[20_003] = _written(certificate, keys.person.certificate)
    number = int(store[-1]) if store else 20_004
    out, places = bytearray(pdf + b"\n"), dict[int, int]()
    for own, value in values.items():
        places[own] = len(out)
        out += b"%d 0 obj<</Length %d>>stream\n%s\nendstream endobj\n" % (own, len(value), value)
    places[number] = len(out)
    out += b"%d 0 obj<</OCSPs[20001 0 R]/CRLs[20002 0 R]/Certs[20003 0 R]>>endobj\n" % number
    rows = b"".join(b"%d 1\n%010d 00000 n \n" % (own, at) for own, at in sorted(places.items()))
    at = len(out)
    out += b"xref\n" + rows + b"trailer<</Size 20010/Root %s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (root, start, at)
    return bytes(out)


def _answer(ocsp: bytes, keys: Keys, chance: random.Random) -> bytes:
    """An OCSPResponse whose ResponseData are broken."""
    tree = Node.read(ocsp)
    try:
        held = tree.at(1, 0, 1)
        basic = Node.read(held.content)
        broken(basic.at(0), chance)
        basic.at(2).content = b"\0" + signature(keys.responder, basic.at(0).write(), hashes.SHA256())
        held.content = basic.write()
        if likely(chance, 0.2):
            broken(tree, chance)
        return tree.write()
    except (IndexError, RecursionError):
        return ocsp[: chance.randrange(len(ocsp))]


def _list(crl: bytes, keys: Keys, chance: random.Random) -> bytes:
    """A CertificateList whose TBSCertList is broken."""
    tree = Node.read(crl)
    broken(tree.at(0), chance)
    try:
        tree.at(2).content = b"\0" + signature(keys.issuing, tree.at(0).write(), hashes.SHA256())
        return tree.write()
    except RecursionError:
        return crl[: chance.randrange(len(crl))]


def _written(tree: Node, otherwise: bytes) -> bytes:
    try:
        return tree.write()
    except RecursionError:
        return otherwise
