"""What the workflow refuses, and why. Each docstring is the sentence a person reads."""


class WorkflowError(Exception):
    """Something could not be done in this case."""
