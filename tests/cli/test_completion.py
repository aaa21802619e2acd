"""Shell completion, by a real bash with the script that the command prints."""

import os
import shutil
import subprocess

import pytest

from support.commands import BIN

SCRIPT = r"""
eval "$(statetrail --show-completion bash)"
complete -p statetrail | grep -q -- '-F _statetrail_completion'
for line in "$@"; do
  COMP_WORDS=($line) COMP_CWORD=$(($(wc -w <<< "$line") - 1)) COMPREPLY=()
  _statetrail_completion statetrail
  echo "${COMPREPLY[*]}"
done
"""
LINES = {
    "statetrail re": ["record", "redact"],
    "statetrail audit --fail": ["--fail-on"],
    "statetrail show x.sqlite findi": ["findings"],
    "statetrail explain token-kept": ["token-kept-after-reset", "token-kept-at-login"],
    "statetrail dialect explain wo": ["woocommerce"],
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_and_names(tmp_path):
    """As after a press of the tabulator."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", SCRIPT, "bash", *LINES],
        env=os.environ
        | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [*LINES.values()]
    assert not [*tmp_path.iterdir()]
