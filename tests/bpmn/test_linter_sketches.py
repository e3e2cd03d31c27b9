"""Rules that the route of the class book has no place for, on small diagrams."""

from tests.bpmn.conftest import Sketch, faults, multi, pair_on_a_loop


def test_a_join_on_a_loop_is_refused() -> None:
    """In the second round the engine would go on while somebody has not acted. In a sub-process it does not."""
    assert ("JOIN_ON_LOOP", "join") in faults(pair_on_a_loop(inside=False).xml())
    assert faults(pair_on_a_loop(inside=True).xml()) == []


def test_an_inclusive_join_on_a_loop_is_refused() -> None:
    """The inclusive join is early in either order."""
    xml = pair_on_a_loop(inside=False).xml().replace(b"parallelGateway", b"inclusiveGateway")

    assert ("JOIN_ON_LOOP", "join") in faults(xml)


def straight(facts: list[str] | None = None) -> Sketch:
    return Sketch(facts=facts or []).start().person("reads").end()


def test_parallel_ways_meet_in_one_join() -> None:
    """Branches that never meet, or meet in the wrong gateway, would leave a token behind."""
    unpaired = straight().choice("split", tag="parallelGateway").person("other").end("elsewhere")
    unpaired.flow("begin split reads finish").flow("split other elsewhere")
    mixed = straight().choice("split", tag="parallelGateway").choice("join").person("other")
    mixed.flow("begin split reads join finish").flow("split other join")

    assert ("UNPAIRED_SPLIT", "split") in faults(unpaired.xml())
    assert ("UNPAIRED_SPLIT", "split") in faults(mixed.xml())


def test_parallel_branches_decide_different_facts() -> None:
    """If both set the same fact, whoever is quicker would decide."""
    sketch = Sketch(facts=["mark"]).start().end().choice("split", tag="parallelGateway").choice("join", tag="parallelGateway")
    sketch.person("one", decides="mark:number").person("two", decides="mark:number")
    sketch.flow("begin split one join finish").flow("split two join")

    assert ("BRANCHES_SHARE_FACT", "two") in faults(sketch.xml())


def test_a_fact_is_there_before_it_is_asked_for() -> None:
    """A number that no step before the gateway gives would stop the case when it is reached."""
    sketch = straight(["pages"]).choice("long", default="long_to_finish").person("later", decides="pages:number")
    sketch.flow("begin reads long finish").flow("long later finish", "pages > 3")
    given = Sketch(facts=["pages"]).start(decides="pages:number").person("reads").person("later").end()
    given.choice("long", default="long_to_finish").flow("begin reads long finish").flow("long later finish", "pages > 3")

    assert ("MISSING_FACT", "long") in faults(sketch.xml())
    assert faults(given.xml()) == []


def test_no_way_to_an_end() -> None:
    """A ring that nobody can leave would keep the case open for ever."""
    ring = Sketch().start().end().person("a").person("b").choice("ring").choice("out", default="out_to_finish")
    ring.flow("begin out finish").flow("out ring a b ring", "visits(a) > 3")

    assert ("NO_WAY_TO_END", "a") in faults(ring.xml())


def test_a_frame_without_an_end() -> None:
    """A sub-process that has no end never hands on."""
    sketch = Sketch().start().end().node("frame", "subProcess").start("inner", within="frame").person("reads", within="frame")
    sketch.flow("begin frame finish").flow("inner reads")

    assert ("END", "frame") in faults(sketch.xml())


def test_a_default_way_beside_a_bare_one() -> None:
    """Two ways without conditions: the engine would take the lower one."""
    sketch = straight().choice("which", default="which_to_finish").person("other")
    sketch.flow("begin reads which finish").flow("which other finish")

    assert ("NO_CONDITION", "which_to_other") in faults(sketch.xml())


def test_multi_instance_inside_multi_instance() -> None:
    """A step's name holds one key; two would be needed to say for whom it is."""
    sketch = Sketch(facts=["sheets", "sheets_done", "people", "people_done"])
    sketch.start(decides="sheets:names; people:names").end().node("each", "subProcess", inside=multi("sheets"))
    sketch.start("inner", within="each").end("inner_end", within="each")
    sketch.person("reads", within="each", inside=multi("people"))
    sketch.flow("begin each finish").flow("inner reads inner_end")

    assert ("MULTI_INSTANCE", "reads") in faults(sketch.xml())


def test_roles_are_those_of_the_office() -> None:
    """A lane for a role that nobody can be appointed to is refused when the roles are known."""
    sketch = straight().flow("begin reads finish")

    assert faults(sketch.xml(), frozenset({"HT"})) == []
    assert ("UNKNOWN_ROLE", "lane_HT") in faults(sketch.xml(), frozenset({"VT"}))


def test_the_schema_is_the_last_belt() -> None:
    """What our own rules do not know, BPMN's schema does: here an attribute that it does not have."""
    xml = straight().flow("begin reads finish").xml()

    assert faults(xml.replace(b"<bpmn:userTask ", b'<bpmn:userTask bogus="1" ')) == [("NOT_VALID", "line 5")]
