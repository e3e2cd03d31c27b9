"""`soky check` and `soky kind check`: what is not as it should be, a sentence each. An empty list is good news."""

from datetime import timedelta

import bpmn
import documents
from api.wiring import Wired
from bpmn import process_names, process_xml
from directory import Role
from workflow.system_steps import HANDLERS

EXPIRES_SOON = timedelta(days=30)


def inspect(wired: Wired) -> list[str]:
    """The log, the guards, the blobs, work that waits for an administrator, certificates that end soon, the kinds."""
    found = list(wired.verify_log())
    found += [f"BLOB_ORPHAN  {digest}: không bản ghi nào trỏ tới / nothing points to it" for digest in wired.store.orphans()]
    found += [f"WORK_STUCK  {item.subject_key}: {item.error}" for item in wired.store.stuck()]
    now = wired.office.desk.clock()
    for unit in wired.store.units():
        for key in wired.office.unit_book(unit).credentials:
            if key.not_after < now:
                found.append(f"CERTIFICATE_EXPIRED  {key.holder}: {key.not_after:%d/%m/%Y}")
            elif key.not_after - now < EXPIRES_SOON:
                found.append(f"CERTIFICATE_EXPIRES_SOON  {key.holder}: {key.not_after:%d/%m/%Y}")
    return found + inspect_kinds()


def inspect_kinds() -> list[str]:
    """Each kind renders its examples; each process loads; lanes are roles, system steps have a handler."""
    found: list[str] = []
    for kind in documents.kinds():
        try:
            documents.check_kind(kind)
        except documents.DocumentsError as problem:
            found.append(f"KIND  {kind}: {problem}")
    roles = {role.value for role in Role}
    for name in process_names():
        try:
            process = bpmn.load(process_xml(name))
        except bpmn.BadDiagram as problem:
            found.append(f"PROCESS  {name}: {problem}")
            continue
        for step in process.steps.values():
            if step.lane == "system" and step.id not in HANDLERS:
                found.append(f"PROCESS  {name}: {step.id}: không có chương trình xử lý / no handler")
            elif step.lane != "system" and step.lane not in roles:
                found.append(f"PROCESS  {name}: {step.id}: làn lạ / unknown lane “{step.lane}”")
    return found
