"""Installs the wheel and the sdist in empty environments and uses what each extra promises."""
