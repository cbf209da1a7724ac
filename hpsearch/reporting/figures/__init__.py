"""The figures of the report, a file each; `style.py` has what they share, `files.py` writes them as files.

May import NumPy, `files.py` matplotlib, and the sections whose numbers they draw.
"""
