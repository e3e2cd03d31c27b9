"""Verification of signed PDFs after ETSI EN 319 102-1: the steps, each in a file of its own.

`verify.py` tells the story; `structure.py` reads the file; `signed_data.py`, `certificates.py`, `revocation.py`, `paths.py` and
`timestamps.py` are the building blocks of clause 5.2; `judgement.py` holds the processes of clauses 5.3, 5.5 and 5.6;
`levels.py` names the level; `changes.py` says what happened after a signature; `quick.py` is the short way for plain files.
"""
