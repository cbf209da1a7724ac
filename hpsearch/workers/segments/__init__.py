"""A segment, the unit of work: its types, how it is trained, what it gives. May import `hpsearch.nn`, data and spec."""
