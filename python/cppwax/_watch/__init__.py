"""What can be seen of a run while it is on: `figures`, made of what the engine counts."""
