"""`soky check` and `soky kind check`: what is not as it should be, a sentence each. An empty list is good news."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import bpmn
import documents
from api.wiring import Wired
from directory import Role
from workflow.system_steps import HANDLERS

PROCESSES = Path(bpmn.__file__).parent / "processes"
EXPIRES_SOON = timedelta(days=30)


def inspect(wired: Wired) -> list[str]:
    """The log, guards, blobs, second opinions that disagree, work that waits for somebody, certificates that end, the kinds."""
    found = list(wired.verify_log())
    found += [f"BLOB_ORPHAN  {path.name}: không bản ghi nào trỏ tới / nothing points to it" for path in wired.store.orphans()]
    found += [alarm.text for alarm in wired.looks.alarms()]
    if wired.looks.full:
        found.append("SECOND_LOOKS_FULL  không còn chỗ ghi ý kiến thứ hai / no room for further second opinions")
    found += [f"WORK_STUCK  {subject}: {error}" for subject, error in wired.store.stuck()]
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
    for kind in documents.kinds().values():
        found += [f"KIND  {kind.name}: {problem}" for problem in _problems_of(kind)]
    roles = {role.value for role in Role}
    for path in sorted(PROCESSES.glob("*.bpmn")):
        name = path.stem
        try:
            process = bpmn.load(path.read_bytes())
        except bpmn.BpmnError as problem:
            found.append(f"PROCESS  {name}: {problem}")
            continue
        for step in process.steps.values():
            if step.lane == "system" and step.id not in HANDLERS:
                found.append(f"PROCESS  {name}: {step.id}: không có chương trình xử lý / no handler")
            elif step.lane != "system" and step.lane not in roles:
                found.append(f"PROCESS  {name}: {step.id}: làn lạ / unknown lane “{step.lane}”")
    return found


def _problems_of(kind: documents.Kind) -> Iterator[str]:
    """Each example must render, and its process must be there, unless the system alone issues it."""
    if kind.process and not (PROCESSES / f"{kind.process}.bpmn").is_file():
        yield f"quy trình không có / there is no process “{kind.process}”"
    for example in sorted((kind.folder / "examples").glob("*.json")):
        attached = [
            documents.Attachment(name=file.name, content=file.read_bytes(), mime_type="application/pdf", description=file.stem)
            for file in sorted((kind.folder / "examples" / "attached").glob("*.pdf"))
        ]
        try:
            documents.render(kind.name, example.read_bytes(), attachments=attached)
        except documents.DocumentsError as problem:
            yield f"{example.name}: {problem}"
