"""The rules, one file each; `statetrail.findings.registry` lists them."""
