"""Cases: who may do what next, and what happened.

Start with `workflow.office.Office`; what happened is in `workflow.events`; what it needs of a store is `workflow.store.Store`.
"""
