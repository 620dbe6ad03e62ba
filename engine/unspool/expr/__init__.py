"""The ${{ }} language: parse, names used, bounded evaluation. Pure."""
