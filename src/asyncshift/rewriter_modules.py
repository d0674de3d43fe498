"""The modules of codemods with what their tables cannot say."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from asyncshift.codemod_info import PACKAGE
from asyncshift.tables import Table


def load_rewriters(table: Table) -> ModuleType | None:
    """The module with the codemod's `rewriter(api, protocol, registry)`; None for a bare table."""
    if table.installed:
        name = f"{PACKAGE}.{table.name}.rewriters"
        if importlib.util.find_spec(name) is None:
            return None
        return importlib.import_module(name)
    source = Path(table.code, "rewriters.py")
    if not table.code or not source.is_file():
        return None
    name = f"_asyncshift_codemod_{hashlib.sha256(table.code.encode()).hexdigest()[:12]}"
    if (loaded := sys.modules.get(name)) is not None:
        return loaded
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
