"""The web face: server-rendered pages that work without a script, and the few addresses that programs may ask.

`create_app(house)` builds it; `house.House` says what it needs; each file beside it is one place that a person visits.
"""
