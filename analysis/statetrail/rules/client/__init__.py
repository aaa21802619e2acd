"""The rules, one file each; `statetrail.rules.registry` lists them."""
