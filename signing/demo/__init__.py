"""A certificate authority for demonstrations and tests: root, issuing CA, persons, seals, timestamps, OCSP, CRL.

Everything it issues says so in its name: THỬ NGHIỆM, a test without legal value. It needs no network and no server.
"""

from signing.demo.authority import TEST_MARK, DemoAuthority, Issued

__all__ = ["TEST_MARK", "DemoAuthority", "Issued"]
