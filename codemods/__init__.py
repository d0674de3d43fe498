"""The migrations that ship with asyncshift: one folder each, a table and its rewriters."""
