"""Signed packages (ASiC, EN 319 162-1): any files in one ZIP, with CAdES signatures over them.

package = make_package({"ke-hoach.docx": content}, signer, timestamper=tsa, level=Level.B_T)
package = add_signature(package, another_signer)
report = verify_package(package, trust)
package = archive_package(package, timestamper=tsa, evidence=evidence, trust=trust)      # to B-LTA, and to renew
"""

from signing.asic.archive import archive_package
from signing.asic.make import Form, add_signature, make_package
from signing.asic.package import BadPackage, Package, read_package
from signing.asic.verify import verify_package

__all__ = [
    "BadPackage",
    "Form",
    "Package",
    "add_signature",
    "archive_package",
    "make_package",
    "read_package",
    "verify_package",
]
