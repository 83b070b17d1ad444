"""Everything about the distribution is in pyproject.toml, but for one step it has no words for:
a wheel carries the shipped specs, which live in experiments/ beside the packages, as package data."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TARGET = Path("harness", "spec", "shipped")


class BuildWithSpecs(build_py):
    """Copies the specs; an editable install reads them where they are."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for source, target in self._specs().items():
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode=True):
        return [*super().get_outputs(include_bytecode), *map(str, self._specs().values())]

    def _specs(self):
        found = [path for pattern in ("*.yaml", "*.json") for path in sorted(Path("experiments").glob(pattern))]
        return {path: Path(self.build_lib) / TARGET / path.name for path in found}


setup(cmdclass={"build_py": BuildWithSpecs})
