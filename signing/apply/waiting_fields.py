"""Which places of a document still wait for a signature."""

from signing.apply.fields import field_names
from signing.apply.opening import opened


def waiting_fields(pdf: bytes) -> tuple[str, ...]:
    """The names of the signature fields that are laid and empty. NotASignablePdf and its kind for what cannot be signed."""
    return tuple(name for name, signed in field_names(opened(pdf)).items() if not signed)
