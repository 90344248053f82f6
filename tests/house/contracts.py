"""A kind of import-linter contract: a package and what it may import."""

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """The package imports itself, the standard library and what is allowed, and nothing else."""

    package = fields.StringField()
    allowed = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        package = str(self.package)
        allowed = {package, *sys.stdlib_module_names, *self.allowed}  # type: ignore[misc]
        members = {package, *graph.find_descendants(package)}
        strangers = sorted(
            (importer, imported)
            for importer in members
            for imported in graph.find_modules_directly_imported_by(importer)
            if not _within(imported, allowed)
        )
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["strangers"]:
            output.print_error(f"{importer} is not allowed to import {imported}")


def _within(module: str, packages: set[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[: depth + 1]) in packages for depth in range(len(parts)))
