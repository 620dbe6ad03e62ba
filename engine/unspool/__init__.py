"""unspool: a declarative workflow engine."""

__version__ = "0.1.0"
