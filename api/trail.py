"""The trail of a case as a file that convinces somebody else: each step's bytes, nonce, leaf and proof, and the signed head.

commitment = SHA-256(nonce || record)       stands in the leaf
leaf hash  = SHA-256(0x00 || leaf)          is proven by `proof` (c2sp.org/tlog-proof) under `checkpoint`
"""

import base64
import json
from typing import Any

from api.wiring import Wired
from workflow.events import CaseId


def trail_of(wired: Wired, case: CaseId) -> dict[str, Any]:
    """JSON-ready. Every step must be covered by the newest checkpoint: call `keep_log` first."""
    record = wired.store.case(case)
    return {
        "format": "soky-trail/1",
        "case": {"id": record.id, "title": record.title, "unit": record.unit, "ended": _iso(record.ended)},
        "log_key": wired.store.log.key.verifier.text() if wired.store.log.key else None,
        "checkpoint": wired.store.log.checkpoint(),
        "steps": [_step(evidence) for evidence in wired.store.log.evidence(case)],
    }


def _step(evidence: Any) -> dict[str, Any]:
    leaf = json.loads(evidence.leaf)
    record = json.loads(evidence.record)
    return {
        "seq": evidence.seq,
        "at": leaf["at"],
        "tag": leaf["tag"],
        "actor": record["actor"],
        "event": record["event"],
        "record": base64.b64encode(evidence.record).decode(),
        "nonce": evidence.nonce.hex(),
        "leaf": base64.b64encode(evidence.leaf).decode(),
        "proof": evidence.proof,
    }


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
