"""How much of what is state `statetrail suggest` finds, and what else, at what cost."""
