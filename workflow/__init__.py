"""Cases: who may do what next, and what happened."""
