"""The statistics of the report: functions of numbers and arrays, which know nothing of studies or tables.

May import NumPy and SciPy. docs/report.md gives the rules in words.
"""
