"""Frozen values that every other room speaks in: no behaviour beyond checks."""
