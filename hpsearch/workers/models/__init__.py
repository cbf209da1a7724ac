"""Model files as plug-ins: found, checked, and tested for what a study promises.

May import `hpsearch.nn`, data and spec.
"""
