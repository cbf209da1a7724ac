"""Tables: columns of numbers and categories, with missing values; and the files that have them.

May import NumPy.
"""
