"""What every policy wants beside its own rules: an exception that nobody expected is told with its text and its place.

Without this, the host sees no more than that the policy crashed.
"""

import functools
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, TypeVar

from componentize_py_types import Err
from wit_world.imports import log

C = TypeVar("C", bound=type)


def guarded(exported: C) -> C:
    """The class of an export, whose methods write an exception to the policy's log before the policy crashes.

    An `Err`, which is an error of the contract, passes.
    """
    for name, method in list(vars(exported).items()):
        if callable(method) and not name.startswith("_"):
            setattr(exported, name, guard(method))
    return exported


def guard(method: Any) -> Any:
    @functools.wraps(method)
    def outer(*given: Any) -> Any:
        try:
            return method(*given)
        except Err:
            raise
        except Exception as thrown:
            log.log(log.Level.ERROR, told(thrown))
            raise

    return outer


def told(thrown: Exception) -> str:
    """The kind and the text of an exception, and the innermost line of the policy's own files."""
    text = " ".join(f"{type(thrown).__name__}: {thrown}".split())
    line = place(thrown.__traceback__)
    return f"{text} ({line})" if line else text


def place(trace: Optional[TracebackType]) -> Optional[str]:
    here = Path(__file__).name
    found = None
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename).name
        if file != here:
            found = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
