"""What each kind of task does."""
