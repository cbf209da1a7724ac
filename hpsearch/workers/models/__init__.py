"""Model files as plug-ins: loaded, with checks of all that they return.

May import `hpsearch.nn`, data and spec.
"""
