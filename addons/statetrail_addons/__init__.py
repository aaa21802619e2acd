"""mitmdump scripts of statetrail; ``python -m statetrail_addons NAME`` prints a script's path."""
