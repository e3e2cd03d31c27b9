"""A CMS signature from constant pieces and two slots: the document's digest and the signature value.

    template = CmsTemplate(signer)
    attributes = template.attributes(document_digest)          # what the key signs
    cms = template.assemble(attributes, template.sign(attributes), token)

The same bytes as `signing.cms` makes (a test compares them), but certificates, attribute frame and algorithm identifiers
are encoded once per signer; per document some ten byte strings are joined.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric import rsa

from signing.cms import signature_algorithm, signed_attributes, signed_data
from signing.der import der, octets, oid, sequence
from signing.errors import BadSignatureValue
from signing.keys.algorithms import digest_for, is_made_by, public_key, scheme_of, subject_name
from signing.keys.signer import Signer
from signing.verification.der import read

_SIGNED_DATA = oid("1.2.840.113549.1.7.2")
_SIGNATURE_TIMESTAMP = oid("1.2.840.113549.1.9.16.2.14")


class CmsTemplate:
    """Everything of a signer's CMS that does not change from one document to the next."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.certificate = signer.certificate
        self.digest = digest_for(self.certificate)
        self.scheme = scheme_of(signer)
        # One CMS over an impossible digest and without a value, made by the plain way, is taken apart at its two slots.
        slot = bytes(range(hashlib.new(self.digest).digest_size))
        attributes = signed_attributes(slot, self.certificate)
        at = attributes.index(slot)
        self._before_digest, self._after_digest = attributes[:at], attributes[at + len(slot) :]
        self._signature_algorithm = signature_algorithm(self.scheme, self.digest)
        sample = signed_data(
            attributes, b"", certificate=self.certificate, chain=signer.chain, scheme=self.scheme, digest=self.digest
        )
        body = read(sample).children()[1].children()[0].children()
        info = body[-1].children()[0].children()
        self._head = b"".join(part.raw for part in body[:-1])
        self._signer_head = b"".join(part.raw for part in info[:3])

    def attributes(self, document_digest: bytes) -> bytes:
        """The signed attributes as DER SET OF: exactly what the key signs."""
        return self._before_digest + document_digest + self._after_digest

    def sign(self, attributes: bytes) -> bytes:
        """The key's signature of the attributes; never taken on trust (BadSignatureValue)."""
        value = self.signer.sign(attributes, self.digest)
        self.require_genuine(attributes, value)
        return value

    def require_genuine(self, attributes: bytes, value: bytes) -> None:
        """Raise BadSignatureValue unless `value` is this certificate's signature of the attributes."""
        if not is_made_by(self.certificate, scheme=self.scheme, data=attributes, digest=self.digest, value=value):
            whose = subject_name(self.certificate)
            raise BadSignatureValue(
                f"Khóa của «{whose}» trả về {len(value)} byte không phải là chữ ký của dữ liệu này",
                f"The key of “{whose}” returned {len(value)} bytes that are no signature of these data",
            )

    def assemble(self, attributes: bytes, value: bytes, token: bytes | None = None) -> bytes:
        """The ContentInfo. ECDSA values vary in length, so all lengths around the slots are made anew."""
        unsigned = b"" if token is None else der(0xA1, sequence(_SIGNATURE_TIMESTAMP, der(0x31, token)))
        signer_info = sequence(
            self._signer_head,
            b"\xa0" + attributes[1:],  # [0] IMPLICIT SET OF
            self._signature_algorithm,
            octets(value),
            unsigned,
        )
        return sequence(_SIGNED_DATA, der(0xA0, sequence(self._head, der(0x31, signer_info))))

    def longest(self, token_length: int) -> int:
        """The most bytes a CMS of this signer can have, with a token of this many bytes (0: none)."""
        key = public_key(self.certificate)
        # ECDSA: two integers of the curve's length, each with a sign byte and a head, and the sequence around them.
        value = key.key_size // 8 if isinstance(key, rsa.RSAPublicKey) else 2 * ((key.curve.key_size + 7) // 8 + 3) + 3
        attributes = self.attributes(bytes(hashlib.new(self.digest).digest_size))
        return len(self.assemble(attributes, bytes(value), bytes(token_length) if token_length else None)) + 8
