"""The audit trail: who did what to the mesh, and what was decided.

event.py    one decision, as the code that takes it says it
line.py     the line that becomes of it, and the chain of hashes through all lines
trail.py    writes the lines: bounded, rotated, never waiting
reading.py  lines of a trail, oldest first, also as they come
check.py    whether a trail is whole
"""
