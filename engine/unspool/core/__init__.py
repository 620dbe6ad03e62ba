"""The state machine of a run and of admission. Pure: no I/O, no clock, no chance."""
