"""Whatever the engine would run wrongly is refused, and the refusal names the element in two languages."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import bpmn
from bpmn.faults import CODES
from tests.bpmn.conftest import ROUTE, faults

TEXT = ROUTE.read_text(encoding="utf-8")


def change(old: str, new: str, *, times: int = 1) -> str:
    """The route with one passage changed."""
    assert TEXT.count(old) == times, f"{old!r} stands {TEXT.count(old)} times in the route"
    return TEXT.replace(old, new)


def change_tag(tag: str, identity: str, new: str) -> str:
    """The route with an element of another kind in place of one."""
    whole = re.compile(rf'<bpmn:{tag} id="{identity}"(.*?)</bpmn:{tag}>', re.DOTALL)
    assert len(whole.findall(TEXT)) == 1
    return whole.sub(rf'<bpmn:{new} id="{identity}"\1</bpmn:{new}>', TEXT)


def cut(pattern: str) -> str:
    """The route without a passage."""
    assert len(re.findall(pattern, TEXT, re.DOTALL)) == 1, pattern
    return re.sub(pattern, "", TEXT, flags=re.DOTALL)


def redirect(flow: str, target: str) -> str:
    """The route with an arrow that leads elsewhere."""
    assert len(re.findall(rf'id="{flow}"[^>]* targetRef="[^"]*"', TEXT)) == 1
    moved = re.sub(rf'(id="{flow}"[^>]* targetRef=)"[^"]*"', rf'\1"{target}"', TEXT)
    moved = re.sub(rf"\s*<bpmn:incoming>{flow}</bpmn:incoming>", "", moved)
    return re.sub(
        rf'(<bpmn:\w+ id="{target}".*?)(<bpmn:outgoing>)',
        rf"\1<bpmn:incoming>{flow}</bpmn:incoming>\2",
        moved,
        count=1,
        flags=re.DOTALL,
    )


def condition(flow: str, text: str) -> str:
    """The route with another condition on one of its arrows."""
    pattern = rf'(id="{flow}".*?tFormalExpression">)[^<]*'
    assert len(re.findall(pattern, TEXT, re.DOTALL)) == 1
    return re.sub(pattern, lambda match: match[1] + text, TEXT, count=1, flags=re.DOTALL)


def prop(step: str, name: str, value: str) -> str:
    """The route with another value of a step's property."""
    pattern = rf'(id="{step}".*?property name="{name}" value=)"[^"]*"'
    return re.sub(pattern, lambda match: f'{match[1]}"{value}"', TEXT, count=1, flags=re.DOTALL)


def add_property(step: str, name: str, value: str) -> str:
    """The route with one more property on a step."""
    return re.sub(
        rf'(id="{step}".*?<spiffworkflow:properties>)',
        rf'\1<spiffworkflow:property name="{name}" value="{value}" />',
        TEXT,
        count=1,
        flags=re.DOTALL,
    )


WITHDRAW = '<bpmn:messageEventDefinition id="withdraw_message" messageRef="withdrawal" />'
END = "<bpmn:incoming>f_published</bpmn:incoming>"
DEFAULT = 'default="homeroom_signed"'

# A change to the route; what the refusal must say, and which element it must name.
MUTATIONS: dict[str, tuple[Callable[[], str], str, str]] = {
    # the file
    "a document type": (lambda: TEXT.replace("?>", '?><!DOCTYPE x [<!ENTITY a "b">]>', 1), "DOCTYPE", "definitions"),
    "no BPMN": (lambda: "<html/>", "NOT_BPMN", "definitions"),
    "broken XML": (lambda: TEXT[:-20], "NOT_XML", "definitions"),
    "not executable": (lambda: change('isExecutable="true"', 'isExecutable="false"'), "ONE_PROCESS", "definitions"),
    "two processes": (
        lambda: change("<bpmndi:BPMNDiagram", '<bpmn:process id="other" isExecutable="true"/><bpmndi:BPMNDiagram'),
        "ONE_PROCESS",
        "definitions",
    ),
    # elements outside the profile
    "a script": (lambda: change_tag("serviceTask", "bind_volume", "scriptTask"), "UNKNOWN_ELEMENT", "bind_volume"),
    "an abstract task": (lambda: change_tag("serviceTask", "bind_volume", "task"), "UNKNOWN_ELEMENT", "bind_volume"),
    "a call activity": (lambda: change_tag("serviceTask", "bind_volume", "callActivity"), "UNKNOWN_ELEMENT", "bind_volume"),
    "a complex gateway": (
        lambda: change_tag("exclusiveGateway", "settlement", "complexGateway"),
        "UNKNOWN_ELEMENT",
        "settlement",
    ),
    "an event-based gateway": (
        lambda: change_tag("exclusiveGateway", "before_binding", "eventBasedGateway"),
        "UNKNOWN_ELEMENT",
        "before_binding",
    ),
    "an ad-hoc sub-process": (
        lambda: change_tag("subProcess", "signing", "adHocSubProcess"),
        "UNKNOWN_ELEMENT",
        "signing",
    ),
    "an event sub-process": (
        lambda: change('<bpmn:subProcess id="signing"', '<bpmn:subProcess id="signing" triggeredByEvent="1"'),
        "UNSUPPORTED_ATTRIBUTE",
        "signing",
    ),
    "a compensation": (
        lambda: change('<bpmn:userTask id="clerk_seals"', '<bpmn:userTask id="clerk_seals" isForCompensation="true"'),
        "UNSUPPORTED_ATTRIBUTE",
        "clerk_seals",
    ),
    "a signal end": (lambda: change(END, END + "<bpmn:signalEventDefinition/>"), "UNKNOWN_ELEMENT", "published"),
    "a link": (
        lambda: change(END, END + '<bpmn:linkEventDefinition name="x"/>'),
        "UNKNOWN_ELEMENT",
        "published",
    ),
    "a terminating end": (
        lambda: change(END, END + "<bpmn:terminateEventDefinition/>"),
        "UNKNOWN_ELEMENT",
        "published",
    ),
    "a message end": (lambda: change(END, END + "<bpmn:messageEventDefinition/>"), "EVENT_KIND", "published"),
    "an error event": (lambda: change(WITHDRAW, "<bpmn:errorEventDefinition/>"), "UNKNOWN_ELEMENT", "withdraw"),
    "a data object": (
        lambda: change("<bpmn:laneSet", '<bpmn:dataObject id="d"/><bpmn:laneSet'),
        "UNKNOWN_ELEMENT",
        "d",
    ),
    "a DMN table": (
        lambda: change('<spiffworkflow:property name="action" value="bind_volume" />', "<spiffworkflow:calledDecisionId/>"),
        "UNKNOWN_ELEMENT",
        "bind_volume",
    ),
    "a foreign attribute": (
        lambda: TEXT.replace("<bpmn:userTask ", '<bpmn:userTask xmlns:c="http://camunda.org" c:assignee="me" ', 1),
        "FOREIGN_ATTRIBUTE",
        "subject_teacher_signs",
    ),
    # ids, names, drawing
    "an id in capitals": (lambda: TEXT.replace("clerk_seals", "ClerkSeals"), "BAD_ID", "ClerkSeals"),
    "an id with a dot": (lambda: TEXT.replace("clerk_seals", "clerk.seals"), "BAD_ID", "clerk.seals"),
    "an id twice": (lambda: change('id="f_archived"', 'id="f_sealed"'), "DUPLICATE_ID", "f_sealed"),
    "a step without a name": (lambda: change(' name="Đóng dấu nhà trường"', ""), "NO_NAME", "clerk_seals"),
    "a way without a word": (lambda: change(' name="đạt"', ""), "NO_NAME", "volume_approved"),
    "a step that is not drawn": (
        lambda: cut(r'<bpmndi:BPMNShape id="clerk_seals_di".*?</bpmndi:BPMNShape>'),
        "NO_SHAPE",
        "clerk_seals",
    ),
    "a shape nowhere": (
        lambda: re.sub(r'(id="clerk_seals_di".*?x=)"[^"]*"', r'\1"nan"', TEXT, count=1, flags=re.DOTALL),
        "BAD_SHAPE",
        "clerk_seals_di",
    ),
    # flows
    "a flow out of its frame": (lambda: redirect("f_published", "case_closed"), "BROKEN_FLOW", "f_published"),
    "a flow to nowhere": (
        lambda: change(
            'id="f_published" sourceRef="publish_volume" targetRef="published"',
            'id="f_published" sourceRef="publish_volume" targetRef="nobody"',
        ),
        "BROKEN_FLOW",
        "f_published",
    ),
    "two ways out of a step": (
        lambda: change(
            'sourceRef="homeroom_decision" targetRef="vice_principal_reviews"',
            'sourceRef="homeroom_teacher_signs" targetRef="vice_principal_reviews"',
        ),
        "TWO_WAYS_OUT",
        "homeroom_teacher_signs",
    ),
    "no way out": (lambda: cut(r'<bpmn:sequenceFlow id="f_archived"[^>]*/>'), "TWO_WAYS_OUT", "archive_volume"),
    "an unreachable step": (lambda: redirect("f_archived", "published"), "UNREACHABLE", "publish_volume"),
    "a way into the start": (lambda: redirect("f_returned", "route_begins"), "WAY_IN", "route_begins"),
    "two starts": (
        lambda: change(
            '<bpmn:startEvent id="route_begins"', '<bpmn:startEvent id="another" name="x"/><bpmn:startEvent id="route_begins"'
        ),
        "START",
        "signing",
    ),
    "a message that starts": (
        lambda: change(
            "<bpmn:outgoing>f_begin</bpmn:outgoing>", "<bpmn:outgoing>f_begin</bpmn:outgoing><bpmn:messageEventDefinition/>"
        ),
        "EVENT_KIND",
        "route_begins",
    ),
    # events
    "an event attached to nothing": (
        lambda: change('attachedToRef="signing"', 'attachedToRef="published"'),
        "EVENT_HOST",
        "withdraw",
    ),
    "a timer with a date": (
        lambda: change(
            WITHDRAW, "<bpmn:timerEventDefinition><bpmn:timeDate>2026-01-01</bpmn:timeDate></bpmn:timerEventDefinition>"
        ),
        "UNKNOWN_ELEMENT",
        "withdraw",
    ),
    "a timer with an expression": (
        lambda: change(
            WITHDRAW, "<bpmn:timerEventDefinition><bpmn:timeDuration>now() + 5</bpmn:timeDuration></bpmn:timerEventDefinition>"
        ),
        "TIMER_TEXT",
        "withdraw",
    ),
    "two events in one": (
        lambda: change(WITHDRAW, WITHDRAW + '<bpmn:messageEventDefinition id="second"/>'),
        "EVENT_KIND",
        "withdraw",
    ),
    "a side path into the main way": (
        lambda: change('attachedToRef="signing"', 'attachedToRef="signing" cancelActivity="false"').replace(
            'sourceRef="withdraw" targetRef="withdrawn"', 'sourceRef="withdraw" targetRef="case_closed"'
        ),
        "SIDE_PATH",
        "withdraw",
    ),
    # lanes and properties
    "a step in no lane": (lambda: change("<bpmn:flowNodeRef>clerk_seals</bpmn:flowNodeRef>", ""), "NO_LANE", "clerk_seals"),
    "a step in two lanes": (
        lambda: change(
            "<bpmn:flowNodeRef>clerk_seals</bpmn:flowNodeRef>",
            "<bpmn:flowNodeRef>clerk_seals</bpmn:flowNodeRef><bpmn:flowNodeRef>principal_signs</bpmn:flowNodeRef>",
        ),
        "TWO_LANES",
        "principal_signs",
    ),
    "a lane without a role": (
        lambda: change('name="role" value="VT"', 'name="role" value="văn thư"'),
        "UNKNOWN_ROLE",
        "lane_clerk",
    ),
    "a person in the system's lane": (
        lambda: change('name="role" value="VT"', 'name="role" value="system"'),
        "WRONG_LANE",
        "clerk_seals",
    ),
    "a message from the system": (lambda: prop("withdraw", "lane", "system"), "BAD_PROPERTY", "withdraw"),
    "a step that does nothing": (
        lambda: cut(r'<spiffworkflow:property name="action" value="archive_volume" />'),
        "NO_ACTION",
        "archive_volume",
    ),
    "a misspelt property": (lambda: add_property("clerk_seals", "remaind", "50"), "BAD_PROPERTY", "clerk_seals"),
    "a due time in prose": (lambda: prop("clerk_seals", "due", "tomorrow"), "BAD_PROPERTY", "clerk_seals"),
    "a reminder at 150 percent": (lambda: prop("clerk_seals", "remind", "50,150"), "BAD_PROPERTY", "clerk_seals"),
    "a reminder without a due time": (
        lambda: re.sub(
            r'(id="clerk_seals".*?)<spiffworkflow:property name="due" value="D" />', r"\1", TEXT, count=1, flags=re.DOTALL
        ),
        "BAD_PROPERTY",
        "clerk_seals",
    ),
    "a strange capacity": (lambda: prop("principal_signs", "capacity", "boss"), "BAD_PROPERTY", "principal_signs"),
    "a decision in another language": (
        lambda: prop("homeroom_teacher_signs", "decides", "outcome in (signed, send_back)"),
        "BAD_PROPERTY",
        "homeroom_teacher_signs",
    ),
    "not the same as nobody": (lambda: prop("principal_signs", "not_same_as", "nobody"), "UNKNOWN_STEP", "principal_signs"),
    # multi-instance
    "an instance without its output": (
        lambda: change("<bpmn:loopDataOutputRef>signed_sheets</bpmn:loopDataOutputRef>", ""),
        "MULTI_INSTANCE",
        "subject_teacher_signs",
    ),
    "a fixed number of instances": (
        lambda: change(
            "<bpmn:loopDataInputRef>sheets</bpmn:loopDataInputRef>", "<bpmn:loopCardinality>3</bpmn:loopCardinality>"
        ),
        "UNKNOWN_ELEMENT",
        "subject_teacher_signs",
    ),
    "an instance that decides": (
        lambda: add_property("subject_teacher_signs", "decides", "sheets:names"),
        "MULTI_INSTANCE_DECIDES",
        "subject_teacher_signs",
    ),
    "an instance over an undeclared fact": (
        lambda: change("<bpmn:loopDataInputRef>sheets<", "<bpmn:loopDataInputRef>people<"),
        "UNDECLARED_FACT",
        "subject_teacher_signs",
    ),
    "an item named like a fact": (
        lambda: change('inputDataItem id="sheet"', 'inputDataItem id="typename"'),
        "BAD_FACT_NAME",
        "class_book_term",
    ),
    # facts and conditions
    "an undeclared fact": (
        lambda: change('<bpmn:property id="outcome" name="kết luận của bước vừa xong" />', ""),
        "UNDECLARED_FACT",
        "homeroom_teacher_signs",
    ),
    "a condition on nothing that is known": (lambda: condition("stops", "weather == 'rain'"), "UNDECLARED_FACT", "stops"),
    "Python in a condition": (lambda: condition("stops", "__import__('os').system('id')"), "BAD_CONDITION", "stops"),
    "a number compared with a text": (lambda: condition("stops", "outcome == 2"), "BAD_CONDITION", "stops"),
    "visits of nobody": (lambda: condition("too_often", "visits(nobody) &gt;= 20"), "UNKNOWN_STEP", "too_often"),
    "a condition behind a step": (
        lambda: change(
            '<bpmn:sequenceFlow id="f_sealed" sourceRef="clerk_seals" targetRef="archive_volume" />',
            '<bpmn:sequenceFlow id="f_sealed" sourceRef="clerk_seals" targetRef="archive_volume">'
            '<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">true</bpmn:conditionExpression></bpmn:sequenceFlow>',
        ),
        "CONDITION_PLACE",
        "f_sealed",
    ),
    "no default way": (lambda: change(f" {DEFAULT}", ""), "NO_DEFAULT", "homeroom_decision"),
    "a condition on the default way": (
        lambda: change(DEFAULT, 'default="homeroom_sends_back"'),
        "DEFAULT_CONDITION",
        "homeroom_sends_back",
    ),
    "overlapping conditions": (
        lambda: condition("vice_principal_rebinds", "outcome != 'approved'"),
        "OVERLAPPING",
        "vice_principal_decision",
    ),
    "a way that is never taken": (
        lambda: condition("stops", "outcome == 'stop' and outcome == 'go_on'"),
        "NEVER_TRUE",
        "stops",
    ),
    "a word that nobody offers": (lambda: condition("stops", "outcome == 'halt'"), "DECIDES", "principal_settles"),
    "a word that no way is for": (
        lambda: prop("principal_settles", "decides", "outcome=go_on|stop|wait"),
        "DECIDES",
        "principal_settles",
    ),
    "a decision that nobody reads": (
        lambda: add_property("clerk_seals", "decides", "outcome=sealed|refused"),
        "DECIDES",
        "clerk_seals",
    ),
    "a gateway behind the wrong step": (
        lambda: re.sub(
            r'(id="vice_principal_reviews".*?)<spiffworkflow:property name="decides"[^>]*/>',
            r"\1",
            TEXT,
            count=1,
            flags=re.DOTALL,
        ),
        "STALE_FACT",
        "vice_principal_decision",
    ),
    "a fact with two kinds": (
        lambda: prop("principal_signs", "decides", "outcome=signed|send_back(sheets:text)|rebind"),
        "FACT_KIND",
        "principal_signs",
    ),
    # ways
    "a loop past its cap": (lambda: redirect("f_volume", "homeroom_teacher_signs"), "NO_CAP", "before_binding"),
    "a cap that is not reached": (lambda: redirect("f_volume", "homeroom_teacher_signs"), "UNREACHABLE", "bound_too_often"),
    "a cap that counts another step": (
        lambda: condition("too_often", "visits(principal_settles) &gt;= 20"),
        "NO_CAP",
        "before_binding",
    ),
    "a cap in the clouds": (
        lambda: condition("too_often", "visits(homeroom_teacher_signs) &gt;= 5000"),
        "CAP_TOO_HIGH",
        "bound_too_often",
    ),
    "a cap that nobody settles": (lambda: redirect("too_often", "sheets_returned"), "NO_CAP", "before_binding"),
    # seals
    "the principal's go-on leads to the seal": (lambda: redirect("goes_on", "clerk_seals"), "SEAL_BEFORE_SIGN", "clerk_seals"),
    "the homeroom teacher's signature leads to the seal": (
        lambda: redirect("homeroom_signed", "clerk_seals"),
        "SEAL_BEFORE_SIGN",
        "clerk_seals",
    ),
    "the review leads to the seal": (lambda: redirect("volume_approved", "clerk_seals"), "SEAL_BEFORE_SIGN", "clerk_seals"),
    "a sheet sent back leads to the seal": (
        lambda: redirect("principal_sends_back", "clerk_seals"),
        "SEAL_BEFORE_SIGN",
        "clerk_seals",
    ),
    "a volume bound again leads to the seal": (
        lambda: redirect("principal_rebinds", "clerk_seals"),
        "SEAL_BEFORE_SIGN",
        "clerk_seals",
    ),
    "the binding leads to the seal": (lambda: redirect("f_volume", "clerk_seals"), "SEAL_BEFORE_SIGN", "clerk_seals"),
    "an event on a step of another frame": (
        lambda: change('attachedToRef="signing"', 'attachedToRef="bind_volume"'),
        "EVENT_HOST",
        "withdraw",
    ),
    "the signer cannot say signed": (
        lambda: prop("principal_signs", "decides", "outcome=agreed|send_back(sheets:names)|rebind"),
        "SIGN_OUTCOME",
        "principal_signs",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_route_is_refused(name: str) -> None:
    """Each of these changes would make the route wrong; each is refused, and the element is named."""
    mutate, code, element = MUTATIONS[name]

    assert (code, element) in faults(mutate())


def test_the_route_itself_is_accepted() -> None:
    """The table above changes one thing each in a file that has no fault."""
    assert faults(TEXT) == []


def test_every_fault_speaks_two_languages() -> None:
    """A clerk reads Vietnamese, an integrator English; both learn which element it is."""
    with pytest.raises(bpmn.BadDiagram) as caught:
        bpmn.load(redirect("goes_on", "clerk_seals").encode())

    assert caught.value.code == "BAD_DIAGRAM"
    assert "clerk_seals" in str(caught.value)
    assert "con dấu" in str(caught.value)
    assert "the seal" in str(caught.value)


def test_everything_wrong_is_said_at_once() -> None:
    """Whoever draws does not learn of one mistake after the other."""
    broken = TEXT.replace(' name="Đóng dấu nhà trường"', "").replace("<bpmn:flowNodeRef>principal_signs</bpmn:flowNodeRef>", "")

    assert {("NO_NAME", "clerk_seals"), ("NO_LANE", "principal_signs")} <= set(faults(broken))


def test_every_sentence_of_the_linter_is_provoked_somewhere() -> None:
    """No rule without a case that breaks it. ENGINE is the belt behind the braces: nothing is known to reach it."""
    here = {code for _, code, _ in MUTATIONS.values()}
    beside = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    elsewhere = set(re.findall(r'"([A-Z_0-9]+)"', beside)) - {"ENGINE"}

    assert CODES - here - elsewhere == {"ENGINE"}
