"""Read a diagram, refuse it if we could not run it truthfully, say which steps wait and what comes after one is done."""
