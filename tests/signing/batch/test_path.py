"""What the fast path signs, everybody accepts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from signing.batch import FastPath, Order
from signing.keys.file import FileSigner
from signing.levels import Level

if TYPE_CHECKING:
    from signing.demo import DemoAuthority
    from signing.keys import Signer
    from tests.signing.batch.conftest import Judges
    from tests.signing.conftest import MakePdf

NOW = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
STAMPS = {Level.B_B: 0, Level.B_T: 0, Level.B_LT: 0, Level.B_LTA: 1}
KEYS = ("rsa2048", "rsa3072", "rsa-pss", "p256", "p384")


@pytest.fixture(scope="module")
def signers(authority: DemoAuthority) -> dict[str, Signer]:
    """A key of each kind, opened once."""
    opened: dict[str, Signer] = {}
    for key in ("rsa2048", "rsa3072", "p256", "p384"):
        opened[key] = authority.issue("Trần Thị Bích Hằng", f"CCCD:{key}", unit="Trường THCS Nguyễn Du", key=key).signer()
    pss = authority.issue("Lê Văn Ổn", "CCCD:pss", key="rsa2048")
    opened["rsa-pss"] = FileSigner.open(f"{pss.uri}?padding=pss", lambda _: pss.pin)
    return opened


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("object_streams", [False, True], ids=["table", "streams"])
def test_every_level_and_algorithm_is_accepted_by_all_judges(make_pdf, signers, authority, judges, level, key, object_streams):
    """Each level, each kind of key, files with tables and with streams: four independent programs say yes."""
    pdf = make_pdf({"principal_signs": (0, 0, 0, 0), "archive_timestamp": (0, 0, 0, 0)}, object_streams=object_streams)
    path = FastPath(signers[key], timestamper=authority, evidence=authority)

    signed = path.sign(pdf, Order(field="principal_signs", level=level, at=NOW, reason="Tôi duyệt", location="Hà Nội"))

    assert signed.startswith(pdf)
    judges.all(signed, signatures=1, timestamps=STAMPS[level])
