"""The parts of the study: each module has ``run(seed) -> Outcome``."""
