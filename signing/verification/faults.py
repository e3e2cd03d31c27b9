"""What can be wrong inside a signed file. These never leave `signing.verification`: they become findings."""


class Fault(Exception):
    """Something in the file is not as its format demands."""


class BadDer(Fault):
    """The ASN.1 inside a signature, certificate or timestamp cannot be read."""


class BadSignedData(Fault):
    """The signature container (CMS) is not one that a PDF or timestamp signature may use."""


class BadCertificate(Fault):
    """A certificate cannot be read."""


class BadStructure(Fault):
    """The PDF's own structure is broken."""


class Encrypted(Fault):
    """The file is encrypted and was not opened."""


class NeedsPassword(Encrypted):
    """It opens with a password, and none was given."""


class WrongPassword(Encrypted):
    """It does not open with the password that was given."""


class UnknownEncryption(Encrypted):
    """It is encrypted in a way that is not supported, or its encryption dictionary is broken."""


class NotPlain(Exception):
    """The file is not one that the quick reading understands: ask the thorough one."""
