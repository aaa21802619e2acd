"""The sections of the report, one file each: structs, gathering and templates."""
