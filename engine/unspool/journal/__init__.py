"""Append events, read them back, verify them."""
