"""The diagram of a case, coloured by where it stands."""

import bpmn
from workflow.views import CaseView


def case_diagram(view: CaseView) -> str:
    """An SVG without scripts."""
    return bpmn.diagram_svg(view.process_xml, waiting=view.waiting_steps, done=view.done_steps)
