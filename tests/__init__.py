"""The tests: what Soky claims, and how it is shown."""
