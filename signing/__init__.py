"""Signatures, seals and timestamps on PDF and XML: put them, and say truthfully what is there."""
