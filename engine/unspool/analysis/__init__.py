"""Facts about a plan: waves, critical path, slack. Pure."""
