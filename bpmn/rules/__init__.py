"""The rules that a diagram must keep, each a generator of faults: on elements, on facts, on ways."""
