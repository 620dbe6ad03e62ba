"""Listeners: they see events and never steer."""
