"""What signing an XML document refuses."""

from signing.errors import SigningError


class NotSignableXml(SigningError):
    """The file is not an XML document that can be signed as it is."""

    code = "NOT_SIGNABLE_XML"


class NoSuchPlace(SigningError):
    """The document has no place for this signature, or more than one."""

    code = "NO_SUCH_PLACE"


class NothingToReference(SigningError):
    """What is to be signed is not in the document, or is not the only one of its name."""

    code = "NOTHING_TO_REFERENCE"


class PlaceInsideReference(SigningError):
    """The signature would lie inside what it signs: the national verifier calls such a signature invalid."""

    code = "PLACE_INSIDE_REFERENCE"


class OutOfTurn(SigningError):
    """Others must sign first, or what is to be signed was completed already."""

    code = "OUT_OF_TURN"
