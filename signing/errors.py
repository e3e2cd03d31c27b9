"""What signing and verifying refuse, and why.

Each docstring is the sentence a clerk reads first; the message names the thing, what was found and what was expected,
in Vietnamese and, after " / ", in English. `code` is stable: programs may rely on it.
"""

from collections.abc import Callable
from typing import Any, ClassVar


class SigningError(Exception):
    """Something about a signature, a key or a signed file is not as it must be."""

    code: ClassVar[str] = "SIGNING"

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(f"{vi} / {en}")
        self.vi = vi
        self.en = en

    def __reduce__(self) -> tuple[Callable[..., "SigningError"], tuple[type["SigningError"], dict[str, Any]]]:
        """So that a refusal can come back from another process."""
        return _once_more, (type(self), self.__dict__)


def _once_more(kind: type[SigningError], said: dict[str, Any]) -> SigningError:
    error = kind.__new__(kind, f"{said['vi']} / {said['en']}")
    error.__dict__.update(said)
    return error


# The file.


class NotASignablePdf(SigningError):
    """The file cannot be signed as it is."""

    code = "NOT_A_SIGNABLE_PDF"


class NotAPdf(NotASignablePdf):
    """The file is not a PDF, or is too damaged to be read as one."""

    code = "NOT_A_PDF"


class EncryptedPdf(NotASignablePdf):
    """The file is protected by a password. Take the protection away before it is signed."""

    code = "ENCRYPTED_PDF"


class HybridPdf(NotASignablePdf):
    """The file holds two tables of contents that may tell different readers different things (Word writes such files)."""

    code = "HYBRID_PDF"


class NoSuchField(SigningError):
    """The document has no place for this signature."""

    code = "NO_SUCH_FIELD"


class FieldTaken(SigningError):
    """Somebody has already signed at this place."""

    code = "FIELD_TAKEN"


class WouldBreakSignatures(SigningError):
    """Signing here would make an earlier signature of the document invalid. Nothing was signed."""

    code = "WOULD_BREAK_SIGNATURES"


class BrokenResult(SigningError):
    """The signed document does not hold up when it is verified. It is thrown away; the document as it was stays."""

    code = "BROKEN_RESULT"


class NoRoom(SigningError):
    """The signature with its certificates and timestamp is larger than the room that was kept for it."""

    code = "NO_ROOM"


class BadAppearance(SigningError):
    """The picture or text to be shown with the signature cannot be used."""

    code = "BAD_APPEARANCE"


class BadRequest(SigningError):
    """What was asked for contradicts itself or lacks something."""

    code = "BAD_REQUEST"


# The key and its certificate.


class WrongSecret(SigningError):
    """The PIN or passphrase is wrong. Some devices lock after a few tries: it is not tried again."""

    code = "WRONG_SECRET"


class NoSuchKey(SigningError):
    """The key was not found where it was said to be."""

    code = "NO_SUCH_KEY"


class KeyUnavailable(SigningError):
    """The device or service that holds the key does not answer as it should."""

    code = "KEY_UNAVAILABLE"


class AuthorisationRefused(SigningError):
    """The owner of the key refused the request on their phone."""

    code = "AUTHORISATION_REFUSED"


class AuthorisationExpired(SigningError):
    """The owner of the key did not confirm in time."""

    code = "AUTHORISATION_EXPIRED"


class CertificateExpired(SigningError):
    """The certificate is no longer valid: its time is over."""

    code = "CERTIFICATE_EXPIRED"


class CertificateNotYetValid(SigningError):
    """The certificate is not valid yet."""

    code = "CERTIFICATE_NOT_YET_VALID"


class CertificateRevoked(SigningError):
    """The certificate was revoked by its issuer."""

    code = "CERTIFICATE_REVOKED"


class WrongKeyUsage(SigningError):
    """The certificate was not issued for signing documents."""

    code = "WRONG_KEY_USAGE"


class WrongKind(SigningError):
    """A seal's certificate does not sign for a person, and a person's makes no seal (ND 30/2020; ND 68/2024, art. 7)."""

    code = "WRONG_KIND"


class WeakAlgorithm(SigningError):
    """The key or a digest is too weak to sign with (TT 15/2025/TT-BKHCN; ETSI TS 119 312)."""

    code = "WEAK_ALGORITHM"


class CertificateNotTrusted(SigningError):
    """The certificate does not lead to an authority that is trusted here."""

    code = "CERTIFICATE_NOT_TRUSTED"


class WrongCertificate(SigningError):
    """The signature was made with another certificate than the one that was announced."""

    code = "WRONG_CERTIFICATE"


class BadSignatureValue(WrongCertificate):
    """The signature was not made from these data with the announced certificate's key. Nothing was put into the document."""

    code = "BAD_SIGNATURE_VALUE"


class DocumentChanged(SigningError):
    """The prepared document is not the one that was prepared. Prepare it again."""

    code = "DOCUMENT_CHANGED"


# Time and proof.


class NotReached(Exception):
    """Another machine was not asked, did not answer, or answered too much. Whoever asked says it in their own words."""


class TimestampRefused(SigningError):
    """No timestamp authority gave a timestamp that can be used."""

    code = "TIMESTAMP_REFUSED"


class EvidenceMissing(SigningError):
    """The issuer's word on whether the certificate was revoked could not be had."""

    code = "EVIDENCE_MISSING"


class EvidenceTooOld(SigningError):
    """The issuer's word on revocation is older than the timestamp: ask again later."""

    code = "EVIDENCE_TOO_OLD"


class LevelNotReached(SigningError):
    """The document is signed, but not with all the proof that was asked for. It can be extended later."""

    code = "LEVEL_NOT_REACHED"

    def __init__(self, vi: str, en: str, *, signed: bytes, reached: str) -> None:
        super().__init__(vi, en)
        self.signed = signed  # the valid document at the level that was reached: keep it
        self.reached = reached


class NothingToExtend(SigningError):
    """The document carries no signature to which proof could be added."""

    code = "NOTHING_TO_EXTEND"


class BadTrust(SigningError):
    """A certificate that was given as an anchor of trust cannot be read."""

    code = "BAD_TRUST"
