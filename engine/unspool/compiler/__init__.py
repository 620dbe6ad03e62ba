"""Text to plan: positions, schema, checks, lowering. Pure: it is given text and reads no file."""
