"""The checks that controls.py knows: every class with a name in the modules of this folder."""

import importlib
import inspect
import pkgutil

from .base import BuildError, Check, write_tree  # noqa: F401

CHECKS = {}
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    for _, _class in inspect.getmembers(importlib.import_module(f"{__name__}.{_module}"), inspect.isclass):
        if issubclass(_class, Check) and _class.name:
            CHECKS[_class.name] = _class
