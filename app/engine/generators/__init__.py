"""Finds the generators, which turn a photo and target parameters into a picture.

A backend is one module of this package that defines `GENERATOR`, a class that fits `contract.Generator`. `backends`
lists the package, so menus, the models dialog, project files and the contract test find every backend.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from app.engine.contract import Generator


def backends() -> dict[str, Callable[[], Generator]]:
    """Return every backend's class by its module's name with dashes: {"mesh-warp": ..., "headgan": ...}.

    A module may also define `variants()`, which returns further backends, such as one for each trained person.
    """
    found = {}
    for name, module in _modules().items():
        found[name] = module.GENERATOR
        found |= module.variants() if hasattr(module, "variants") else {}
    return found


@cache
def _modules() -> dict[str, Any]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = {name.replace("_", "-"): importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "GENERATOR")}
