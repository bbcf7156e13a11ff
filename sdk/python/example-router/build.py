"""Builds the policy: `python3 build.py`, in any folder, needs nothing else than Python 3.10 with venv and pip.

The tool is fetched in the version that requirements.txt pins, into `.venv`. The component is `dist/policy.wasm`.
"""

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORLD = "routing-policy"


def main() -> None:
    environment = HERE / ".venv"
    tools = environment / ("Scripts" if sys.platform == "win32" else "bin")
    if not environment.exists():
        venv.create(environment, with_pip=True)
    pip = [str(tools / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(HERE / "requirements.txt")], check=True)

    component = HERE / "dist" / "policy.wasm"
    component.parent.mkdir(exist_ok=True)
    component.unlink(missing_ok=True)
    # Without `--stub-wasi` the component would ask for 25 WASI interfaces, sockets among them.
    build = [str(tools / "componentize-py"), "--wit-path", str(HERE / "wit"), "--world", WORLD]
    build += ["componentize", "--stub-wasi", "--python-path", str(HERE), "policy", "--output", str(component)]
    subprocess.run(build, check=True)
    if not component.exists():
        sys.exit("componentize-py said nothing and built nothing")
    print(component)


if __name__ == "__main__":
    main()
