"""``data.noise: {detector: …}``: errors drawn as a detector makes them, in place of so many pixels everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.data import detector_file
from harness.errors import UserError, unknown, wrong_value


class DetectorNoise(BaseModel):
    """A 2D detector whose errors are drawn.

    Attributes:
        detector: a shipped one's name, or a file that `repose data fit-detector` wrote; decides nothing (its digest
            does), so it isn't hashed.
        digest: of the file's content; may be declared, otherwise it is computed.
        scale: all errors are so many times as large.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    detector: str
    digest: str | None = None
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] = 1.0

    def read(self) -> detector_file.Detector:
        """The detector.

        Raises:
            UserError: no such name or file, or another content than is declared.
        """
        found = detector_file.read(self.detector)
        if self.digest not in (None, found.digest):
            message = f"the detector '{self.detector}' is another one: declared is {self.digest}, found {found.digest}"
            raise UserError(message, key="data.noise.detector")
        return found

    def located(self, folder: Path, **where: Any) -> DetectorNoise:
        """The same with its digest, and a file's place in full.

        A file that isn't there is good enough if its digest is declared.

        Args:
            folder: that of the spec, from which a path is counted unless the file is in the working folder.
            where: file, line and key for messages.
        Raises:
            UserError: as `read`.
        """
        placed = self
        if self.detector not in detector_file.shipped() and self.detector.endswith(".json"):
            given = Path(self.detector).expanduser()
            path = given if not (folder / given).exists() and given.exists() else folder / given
            placed = self.model_copy(update={"detector": str(path.resolve())})
            if self.digest is not None and not path.exists():
                return placed
        try:
            return placed.model_copy(update={"digest": placed.read().digest})
        except UserError as error:
            about = error.message if error.file is None else f"{error.file}: {error.key or 'detector'}: {error.message}"
            raise UserError(about, **where) from None

    @property
    def hashed(self) -> dict[str, Any]:
        """What of it decides a run."""
        found: dict[str, Any] = {"digest": self.digest or self.read().digest}
        return found if self.scale == 1 else {**found, "scale": self.scale}

    def __str__(self) -> str:
        """As tables print it: a shipped one's name, else the digest."""
        name = self.detector if self.detector in detector_file.shipped() else f"detector {self.hashed['digest'][:8]}"
        return name if self.scale == 1 else f"{name} × {self.scale:g}"


def as_noise(given: Any) -> Any:
    """A mapping as a `DetectorNoise`, with one message for what is wrong in it."""
    if not isinstance(given, Mapping):
        return given
    try:
        return DetectorNoise.model_validate(dict(given))
    except ValidationError as error:
        detail = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
        name = str(detail["loc"][0])
        if detail["type"] == "extra_forbidden":
            raise ValueError(unknown("key", name, DetectorNoise.model_fields).message) from None
        if detail["type"] == "missing":
            raise ValueError(f"'{name}' is missing: expected a number of pixels, or {{detector: …}}") from None
        raise ValueError(f"{name}: {wrong_value(detail, given[name])}") from None
