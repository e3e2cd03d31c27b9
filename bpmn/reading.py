"""A BPMN file to a `Diagram`. Reads; what it means is judged elsewhere.

`read` is the only place that touches the XML. It is bounded (bytes, elements, depth), accepts UTF-8 only, no DOCTYPE and no
entities, and no element outside the profile, so that nothing behind it has to ask what else might be in the file.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping

from lxml import etree

from bpmn.diagram import NODES, Box, Diagram, Flow, Lane, Loop, Node
from bpmn.errors import BadDiagram, Fault
from bpmn.faults import fault
from bpmn.properties import WORD

MOST_BYTES = 1_000_000  # a route with 60 steps and its drawing has about 100 KB
MOST_ELEMENTS = 10_000
DEEPEST = 40  # levels of XML; a step in a sub-process in a sub-process has its properties at level 9
MOST_NODES = 300
LONGEST_NAME = 200
FARTHEST = 100_000.0  # of a coordinate

_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DI = "http://www.omg.org/spec/BPMN/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_DD = "http://www.omg.org/spec/DD/20100524/DI"
_SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"

_ALLOWED = {
    _BPMN: NODES
    | {"definitions", "collaboration", "participant", "process", "laneSet", "lane", "flowNodeRef", "childLaneSet", "property"}
    | {"documentation", "extensionElements", "incoming", "outgoing", "sequenceFlow", "conditionExpression", "message"}
    | {"timerEventDefinition", "timeDuration", "messageEventDefinition", "textAnnotation", "text", "association"}
    | {"multiInstanceLoopCharacteristics", "loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem"}
    | {"completionCondition"},
    _DI: {"BPMNDiagram", "BPMNPlane", "BPMNShape", "BPMNEdge", "BPMNLabel", "BPMNLabelStyle"},
    _DC: {"Bounds", "Font"},
    _DD: {"waypoint"},
    _SPIFF: {"properties", "property"},
}

# What SpiffWorkflow 3.2.0 does with an element that people know and would miss.
_WHY: Mapping[str, tuple[str, str]] = {
    "scriptTask": ("; mã lệnh trong sơ đồ không bao giờ được chạy", "; code in a diagram is never run"),
    "script": ("; mã lệnh trong sơ đồ không bao giờ được chạy", "; code in a diagram is never run"),
    "task": ("; hãy chọn userTask hoặc serviceTask", "; choose userTask or serviceTask"),
    "signalEventDefinition": ("; máy lặng lẽ bỏ qua tín hiệu", "; the engine silently ignores signals at the end"),
    "linkEventDefinition": ("; máy coi hồ sơ là đã xong", "; the engine takes the case for finished"),
    "terminateEventDefinition": ("; các bước đang chờ sẽ mất", "; steps that wait would be lost"),
    "adHocSubProcess": ("; máy không chạy đúng", "; the engine does not run it correctly"),
    "complexGateway": ("; máy không chạy được", "; the engine cannot run it"),
    "eventBasedGateway": ("; hãy dùng sự kiện gắn vào bước", "; use an event attached to the step"),
    "callActivity": ("; chưa được thử", "; not tried yet"),
    "standardLoopCharacteristics": ("; hãy vẽ vòng lặp có giới hạn", "; draw a loop with a cap"),
    "timeDate": ("; hẹn giờ phải là khoảng thời gian", "; a timer is a duration"),
    "timeCycle": ("; hẹn giờ phải là khoảng thời gian", "; a timer is a duration"),
    "loopCardinality": ("; hãy lặp trên một dữ kiện", "; iterate over a fact"),
    "dataObject": ("; máy có thể treo khi đọc", "; the engine can hang while reading it"),
    "dataObjectReference": ("; máy có thể treo khi đọc", "; the engine can hang while reading it"),
    "calledDecisionId": ("; bảng DMN không được dùng", "; DMN tables are not used"),
}


def read(xml: bytes) -> tuple[Diagram, "etree._Element"]:
    """The diagram, and the XML for whoever must hand it on. BadDiagram if the file is not one that the profile knows."""
    root = _parse(xml)
    faults = [*_strange_elements(root), *_strange_shapes(root)]
    if faults:
        raise BadDiagram(faults)
    processes = root.findall(f"{{{_BPMN}}}process")
    if len(processes) != 1 or processes[0].get("isExecutable") not in _TRUE:
        raise BadDiagram([fault("ONE_PROCESS", "definitions", found=len(processes))])
    faults = list(_broken_ids(root, processes[0]))
    if faults:
        raise BadDiagram(faults)
    return _diagram(root, processes[0]), root


# ------------------------------------------------------------------------------------------------ bytes to XML

_DECLARED = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")


def _parse(xml: bytes) -> "etree._Element":
    if len(xml) > MOST_BYTES:
        raise BadDiagram([fault("TOO_LARGE", "definitions", found=f"{len(xml)} B", most=f"{MOST_BYTES} B")])
    try:
        text = xml.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadDiagram([fault("NOT_UTF8", "definitions")]) from None
    declared = _DECLARED.match(text)
    if declared and declared[1].upper() != "UTF-8":
        # Another encoding could hide a DOCTYPE from the next line.
        raise BadDiagram([fault("NOT_UTF8", "definitions")])
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadDiagram([fault("DOCTYPE", "definitions")])
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadDiagram([fault("NOT_XML", "definitions", found=str(error)[:200])]) from None
    if root.tag != f"{{{_BPMN}}}definitions":
        raise BadDiagram([fault("NOT_BPMN", "definitions", found=str(root.tag)[:100])])
    _bound(root)
    return root


def _bound(root: "etree._Element") -> None:
    """Refuse what is too large before any rule walks over it."""
    depth = count = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > DEEPEST or count > MOST_ELEMENTS:
            raise BadDiagram(
                [fault("TOO_LARGE", "definitions", found=f"{count} / {depth}", most=f"{MOST_ELEMENTS} / {DEEPEST}")]
            )
    nodes = sum(1 for _ in root.iter(*(f"{{{_BPMN}}}{tag}" for tag in NODES)))
    if nodes > MOST_NODES:
        raise BadDiagram([fault("TOO_LARGE", "definitions", found=nodes, most=MOST_NODES)])


def _named(element: "etree._Element") -> str:
    """The id of the element or of the nearest one around it, else its line."""
    for around in (element, *element.iterancestors()):
        name = around.get("id") or around.get("bpmnElement")
        if name:
            return str(name)[:LONGEST_NAME]
    return f"line {element.sourceline}"


# ------------------------------------------------------------------------------------------------ what may be in the file

_TRUE = frozenset({"true", "1"})
# Attributes that change what an element means, with the only values that we can keep.
_ONLY: Mapping[str, frozenset[str]] = {
    "isForCompensation": frozenset({"false", "0"}),
    "triggeredByEvent": frozenset({"false", "0"}),
    "instantiate": frozenset({"false", "0"}),
    "parallelMultiple": frozenset({"false", "0"}),
    "startQuantity": frozenset({"1"}),
    "completionQuantity": frozenset({"1"}),
    "behavior": frozenset({"All"}),
}
_FOREIGN_ALLOWED = frozenset({_BPMN, _DI, _DC, _DD, _XSI})


def _strange_elements(root: "etree._Element") -> Iterator[Fault]:
    for element in root.iter():
        name = etree.QName(element)
        if name.localname not in _ALLOWED.get(name.namespace or "", ()):
            why_vi, why_en = _WHY.get(name.localname, ("", ""))
            yield fault("UNKNOWN_ELEMENT", _named(element), found=name.localname[:60], why_vi=why_vi, why_en=why_en)
            continue
        yield from _strange_attributes(element, name)


def _strange_attributes(element: "etree._Element", name: "etree.QName") -> Iterator[Fault]:
    for key, content in element.attrib.items():
        attribute, value = str(key), str(content)
        if value not in _ONLY.get(attribute, (value,)):
            yield fault("UNSUPPORTED_ATTRIBUTE", _named(element), found=f'{attribute}="{value[:40]}"')
        foreign = etree.QName(attribute).namespace
        if foreign and foreign not in _FOREIGN_ALLOWED and name.namespace == _BPMN and name.localname != "definitions":
            yield fault("FOREIGN_ATTRIBUTE", _named(element), found=etree.QName(attribute).localname[:60])
        if len(value) > LONGEST_NAME:
            yield fault("TOO_LONG", _named(element), found=len(value), most=LONGEST_NAME)


def _strange_shapes(root: "etree._Element") -> Iterator[Fault]:
    for element in root.iter(f"{{{_DC}}}Bounds", f"{{{_DD}}}waypoint"):
        for attribute in ("x", "y", "width", "height") if element.tag.endswith("Bounds") else ("x", "y"):
            value = element.get(attribute, "")
            if not _is_coordinate(value):
                yield fault("BAD_SHAPE", _named(element), found=f'{attribute}="{value[:40]}"')


def _is_coordinate(text: str) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and abs(number) <= FARTHEST


def _broken_ids(root: "etree._Element", process: "etree._Element") -> Iterator[Fault]:
    seen: set[str] = set()
    for element in root.iter():
        identity = element.get("id")
        if identity is not None and element.tag != f"{{{_SPIFF}}}property":
            if identity in seen:
                yield fault("DUPLICATE_ID", identity)
            seen.add(identity)
    for element in process.iter():
        tag = etree.QName(element).localname
        needs_word = element is process or tag in NODES
        if needs_word and not WORD.fullmatch(element.get("id", "")):
            yield fault("BAD_ID", _named(element), found=element.get("id", ""))
        elif tag in {"sequenceFlow", "lane"} and not element.get("id"):
            yield fault("BAD_ID", _named(element), found="")


# ------------------------------------------------------------------------------------------------ XML to values


def _diagram(root: "etree._Element", process: "etree._Element") -> Diagram:
    boxes, labels, points = _drawn(root)
    lanes, lane_of = _lanes(process)
    elements = [e for e in process.iter() if etree.QName(e).namespace == _BPMN]
    nodes = [_node(e, lane_of) for e in elements if etree.QName(e).localname in NODES]
    flows = [_flow(e, points) for e in elements if etree.QName(e).localname == "sequenceFlow"]
    participant = root.find(f".//{{{_BPMN}}}participant")
    return Diagram(
        id=_id(process),
        name=_text(process.get("name")),
        documentation=_text(process.findtext(f"{{{_BPMN}}}documentation")),
        facts=tuple(_id(p) for p in process.findall(f"{{{_BPMN}}}property")),
        nodes={node.id: node for node in nodes},
        flows={flow.id: flow for flow in flows},
        lanes={lane.id: lane for lane in lanes},
        boxes=boxes,
        labels=labels,
        pool=None if participant is None else _id(participant),
        messages=frozenset(_id(m) for m in root.findall(f"{{{_BPMN}}}message")),
    )


def _node(element: "etree._Element", lane_of: Mapping[str, tuple[str, ...]]) -> Node:
    definitions = [child for child in element if str(child.tag).endswith("EventDefinition")]
    duration = element.find(f"{{{_BPMN}}}timerEventDefinition/{{{_BPMN}}}timeDuration")
    return Node(
        id=_id(element),
        tag=etree.QName(element).localname,
        name=_text(element.get("name")),
        frame=_frame(element),
        lanes=lane_of.get(_id(element), ()),
        props=_properties(element),
        default=element.get("default"),
        attached=element.get("attachedToRef"),
        interrupting=element.get("cancelActivity", "true") in _TRUE,
        events=tuple(etree.QName(d).localname.removesuffix("EventDefinition") for d in definitions),
        timer=None if duration is None else (duration.text or "").strip(),
        loop=_loop(element),
    )


def _loop(element: "etree._Element") -> Loop | None:
    loop = element.find(f"{{{_BPMN}}}multiInstanceLoopCharacteristics")
    if loop is None:
        return None
    item, done_item = loop.find(f"{{{_BPMN}}}inputDataItem"), loop.find(f"{{{_BPMN}}}outputDataItem")
    return Loop(
        sequential=loop.get("isSequential", "false") in _TRUE,
        over=_stripped(loop.findtext(f"{{{_BPMN}}}loopDataInputRef")),
        collects=_stripped(loop.findtext(f"{{{_BPMN}}}loopDataOutputRef")),
        item=None if item is None else item.get("id"),
        done_item=None if done_item is None else done_item.get("id"),
        until=_stripped(loop.findtext(f"{{{_BPMN}}}completionCondition")),
    )


def _flow(element: "etree._Element", points: Mapping[str, tuple[tuple[float, float], ...]]) -> Flow:
    return Flow(
        id=_id(element),
        source=element.get("sourceRef", ""),
        target=element.get("targetRef", ""),
        name=_text(element.get("name")),
        frame=_frame(element),
        condition=_stripped(element.findtext(f"{{{_BPMN}}}conditionExpression")),
        points=points.get(_id(element), ()),
    )


def _lanes(process: "etree._Element") -> tuple[list[Lane], dict[str, tuple[str, ...]]]:
    lanes: list[Lane] = []
    lane_of: dict[str, tuple[str, ...]] = {}
    for element in process.iter(f"{{{_BPMN}}}lane"):
        name = _text(element.get("name"))
        lanes.append(Lane(id=_id(element), name=name, role=_properties(element).get("role", name), frame=_frame(element)))
        if element.find(f"{{{_BPMN}}}childLaneSet") is None:  # only the innermost lane says who acts
            for reference in element.findall(f"{{{_BPMN}}}flowNodeRef"):
                node = (reference.text or "").strip()
                lane_of[node] = (*lane_of.get(node, ()), _id(element))
    return lanes, lane_of


def _drawn(root: "etree._Element") -> tuple[dict[str, Box], dict[str, Box], dict[str, tuple[tuple[float, float], ...]]]:
    boxes: dict[str, Box] = {}
    labels: dict[str, Box] = {}
    points: dict[str, tuple[tuple[float, float], ...]] = {}
    for element in root.iter(f"{{{_DI}}}BPMNShape", f"{{{_DI}}}BPMNEdge"):
        drawn = element.get("bpmnElement", "")
        bounds, label = element.find(f"{{{_DC}}}Bounds"), element.find(f"{{{_DI}}}BPMNLabel/{{{_DC}}}Bounds")
        if bounds is not None:
            boxes[drawn] = _box(bounds)
        if label is not None:
            labels[drawn] = _box(label)
        waypoints = element.findall(f"{{{_DD}}}waypoint")
        if waypoints:
            points[drawn] = tuple((float(p.get("x", "0")), float(p.get("y", "0"))) for p in waypoints)
    return boxes, labels, points


def _box(bounds: "etree._Element") -> Box:
    x, y, width, height = (float(bounds.get(name, "0")) for name in ("x", "y", "width", "height"))
    return Box(x=x, y=y, width=width, height=height)


def _properties(element: "etree._Element") -> dict[str, str]:
    found = element.findall(f"{{{_BPMN}}}extensionElements/{{{_SPIFF}}}properties/{{{_SPIFF}}}property")
    return {_text(p.get("name")): _text(p.get("value")) for p in found}


def _frame(element: "etree._Element") -> str:
    around = next(element.iterancestors(f"{{{_BPMN}}}subProcess", f"{{{_BPMN}}}process"))
    return _id(around)


def _id(element: "etree._Element") -> str:
    return str(element.get("id", ""))


def _text(value: str | None) -> str:
    return unicodedata.normalize("NFC", " ".join((value or "").split()))


def _stripped(value: str | None) -> str | None:
    return None if value is None else value.strip()
