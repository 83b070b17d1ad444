"""Builds the sections of a run: the file's values, overridden by a point's settings, checked and named.

Each section is built once for each distinct set of settings that touch it, which is what makes
expanding ten thousand runs cheap.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import own_backbones, registry
from harness.data import longest_clip, resolve_split, splits_in_file
from harness.data.splits import canonical
from harness.errors import UserError, unknown, wrong_value
from harness.objectives.schedule import KEYS
from harness.spec import identity, recipes
from harness.spec.detector_noise import DetectorNoise
from harness.spec.fields import Setting, printed
from harness.spec.recipes import PUBLISHED, TrainSection
from harness.spec.run import Choice, Data, Part, Train, Whole, join_term, split_term
from harness.spec.schema import SpecFile, explain
from harness.spec.term_options import read_term, with_option
from harness.spec.weighting import Weighting, settled, split_weighting
from harness.spec.yaml_lines import Document, Path

_SEED: TypeAdapter[int] = TypeAdapter(Whole)


@dataclass(frozen=True)
class Section:
    """One built section.

    Attributes:
        part: what goes into the run.
        fragment: what of it is hashed.
        labels: axis → printed value, for the axes that belong to this section.
    """

    part: Any
    fragment: str
    labels: dict[str, str]


class Builder:
    """Builds sections of one spec.

    Args:
        file: the spec.
        document: for lines.
        swept: names of all fields that any axis or included point varies.
        fingerprint: gives the fingerprint of data that declare none; may raise `UserError`.
    """

    def __init__(
        self, file: SpecFile, document: Document, swept: Sequence[str], fingerprint: Callable[[Data], str]
    ) -> None:
        self.file, self.document, self.swept, self.fingerprint = file, document, swept, fingerprint

    def by_backbone(self, section: str, settings: Sequence[Setting]) -> bool:
        """Whether a section depends on the run's backbone: its recipe fills it. ``settings`` are all there may be."""
        if section == "objective":
            declared = self.file.objectives.values()
            return any(raw == PUBLISHED or (isinstance(raw, list) and PUBLISHED in raw) for raw in declared)
        recipe = any(setting.field.name == "train.recipe" for setting in settings)
        return section == "train" and (recipe or self.file.train.recipe == PUBLISHED)

    def build(self, section: str, settings: Sequence[Setting], backbone: str | None = None) -> Section:
        """One section of `harness.spec.fields.SECTIONS` under ``settings`` (later ones win).

        Args:
            section: its name.
            settings: values for its fields.
            backbone: the run's, by its registered name, where the section depends on it (`by_backbone`).
        Raises:
            UserError: a value that isn't allowed, located where it stands in the file.
        """
        if section in ("train", "objective"):
            return getattr(self, f"_{section}")(settings, backbone)
        return getattr(self, f"_{section}")(settings)

    def _data(self, settings: Sequence[Setting]) -> Section:
        data: Data = self._part("data", Data, settings)
        entry = registry.get("datasets", data.dataset, **self._where(("data", "dataset"), settings))
        with_key = self._option_places(("data", "options"), settings)
        options = with_key(lambda where: registry.check_options(entry, data.options, **where))
        update: dict[str, Any] = {"options": options}
        if data.path is not None and longest_clip(data.dataset, options) is not None:
            where = self._where(("data", "path"), settings)
            raise UserError(f"the dataset '{data.dataset}' is generated and reads no file; name another", **where)
        if data.frames_out is not None and data.frames_out > data.window:
            where = self._where(("data", "frames_out"), settings)
            raise UserError(f"{data.frames_out} frames can't come out of a window of {data.window}", **where)
        if isinstance(data.noise, DetectorNoise):
            where = self._where(("data", "noise"), settings)
            update["noise"] = data.noise.located(self.document.folder, **where)
        if data.fingerprint is None:
            update["fingerprint"] = self.fingerprint(data)
        data = data.model_copy(update=update)
        where = self._where(("data", "split"), settings)
        chosen = resolve_split(data.dataset, data.split, options, data.path, **where)
        if splits_in_file(data.dataset):  # a stored run must be named again where the file isn't there
            data = data.model_copy(update={"split": canonical(chosen)})
        return Section(data, identity.data_fragment(data), self._read_back("data", data))

    def _train(self, settings: Sequence[Setting], backbone: str | None) -> Section:
        given: TrainSection = self._part("train", TrainSection, settings)
        for said, place in ((given, ("train",)), (given.pretrain, ("train", "pretrain"))):
            if said is not None and {"steps", "passes"} <= said.model_fields_set and said.passes and said.steps:
                where = self._where((*place, "passes"), settings)
                raise UserError("the length is given twice, as 'steps' and as 'passes': leave one out", **where)
        train: Train = recipes.filled(given, backbone, **self._where(("train", "recipe"), settings))
        registry.get("occlusions", train.occlusion, **self._where(("train", "occlusion"), settings))
        for index, level in enumerate(train.validate_on):
            where = self._where(("train", "validate_on", index), settings)
            registry.get("occlusions", level, **where)
            if level in train.validate_on[:index]:
                raise UserError(f"'{level}' is named twice", **where)
        if train.schedule not in ("exponential", "per_pass") and train.decay != Train.model_fields["decay"].default:
            # It would be hashed all the same, and one run would have two names.
            message = "'decay' has no effect here: it belongs to schedule: exponential or per_pass"
            raise UserError(f"{message}, and this is {train.schedule}", **self._where(("train", "decay"), settings))
        if train.schedule == "per_pass" and "decay" not in train.model_fields_set:
            message = "schedule: per_pass needs 'decay', the factor after each pass, e.g. 0.99"
            raise UserError(message, **self._where(("train", "schedule"), settings))
        if train.passes is None and train.warmup >= train.steps:
            where = self._where(("train", "warmup"), settings)
            raise UserError(f"a warm-up of {train.warmup} steps leaves none of the {train.steps} to train", **where)
        labels = {"train_occlusion": train.occlusion, **self._read_back("train", train)}
        if "train.recipe" in self.swept:
            labels["train.recipe"] = given.recipe
        if "train.steps" in labels:
            labels["train.steps"] = train.length
        return Section(train, identity.train_fragment(train), labels)

    def _seed(self, settings: Sequence[Setting]) -> Section:
        value, place = (settings[-1].value, settings[-1].place) if settings else (0, ("grid",))
        try:
            seed = _SEED.validate_python(value)
        except ValidationError:
            raise UserError(f"a seed is a whole number from 0; got {value!r}", **self.document.where(place)) from None
        return Section(seed, str(seed), {"seed": str(seed)})

    def _backbone(self, settings: Sequence[Setting]) -> Section:
        chosen = [s for s in settings if s.field.path == ("backbone",)]
        raw = chosen[-1].value if chosen else self.file.backbone
        place: Path = chosen[-1].place if chosen else ("backbone",)
        where = self.document.where(place)
        if raw is None:
            raise UserError("no backbone: name one in 'backbone', or in the grid", **self.document.where(("grid",)))
        options: dict[str, Any] = {}
        if chosen and isinstance(self.file.backbone, dict):
            message = "has no effect: the grid names the backbones; give one options of its own in 'backbones'"
            raise UserError(message, **self.document.where(("backbone",)))
        if isinstance(raw, dict) and not chosen:
            options = {key: value for key, value in raw.items() if key != "name"}
            raw, place = raw.get("name"), (*place, "name")
            where = self.document.where(place)
        if not isinstance(raw, str):
            raise UserError(f"a backbone is a name; got {raw!r}", **where)
        if raw not in {*registry.entries("backbones"), *self.file.backbones} and not own_backbones.in_file(raw):
            known = {*registry.names("backbones"), *self.file.backbones}  # looks at every installed package
            if raw not in known:
                raise unknown("backbone", raw, known, **where)
        home: Path = ("backbone",)
        name = raw
        if raw in self.file.backbones:
            home = ("backbones", raw)
            declared = self.file.backbones[raw]
            name = declared["base"]
            options = {**{key: value for key, value in declared.items() if key != "base"}, **options}
        extra = [s for s in settings if s.field.path[:-1] in (("backbone",), ("backbones", raw))]
        located = where if home == ("backbone",) else self.document.where((*home, "base"))
        entry = registry.get("backbones", own_backbones.absolute(name, self.document.folder), **located)
        options |= {s.field.path[-1]: s.value for s in extra}
        checked = self._option_places(home, extra)(lambda where: registry.check_options(entry, options, **where))
        part = Choice(name=entry.canonical, options=checked)
        labels = {"backbone": raw}
        for field in self.swept:
            head, _, option = field.rpartition(".")
            if head == "backbone" or head.startswith("backbones."):
                applies = head == "backbone" or head == f"backbones.{raw}"
                found = registry.options(entry).get(option) if applies else None
                labels[field] = printed(checked.get(option, found.default)) if found else "-"
        return Section(part, identity.backbone_fragment(part), labels)

    def _objective(self, settings: Sequence[Setting], backbone: str | None) -> Section:
        chosen = [s for s in settings if s.field.path == ("objective",)]
        if chosen:
            name, where = chosen[-1].value, self.document.where(chosen[-1].place)
        elif len(self.file.objectives) == 1:
            name, where = next(iter(self.file.objectives)), self.document.where(("objectives",))
        else:
            names = ", ".join(self.file.objectives)
            raise UserError(f"which objective? add 'objective: [{names}]'", **self.document.where(("grid",)))
        if not isinstance(name, str):
            raise UserError(f"an objective is a name; got {name!r}", **where)
        part, involved = self.terms(name, settings, where, backbone=backbone or "")
        part = {term: self._settled(term, given, involved, settings) for term, given in part.items()}
        labels = {"objective": name}
        for field in self.swept:
            path = field.split(".")
            if path[0] == "objectives":
                term = part.get(path[2]) if path[1] in involved else None
                given = [s.value for s in settings if s.field.name == field]
                labels[field] = "-" if not term else printed(given[-1] if given else read_term(path[2], term, path[3]))
        return Section(part, identity.objective_fragment(part), labels)

    def terms(
        self,
        name: str,
        settings: Sequence[Setting] = (),
        where: dict[str, Any] | None = None,
        outer: tuple = (),
        *,
        backbone: str | None = None,
    ) -> tuple[dict[str, dict[str, Any]], set[str]]:
        """The terms of the objective called ``name``, composed, and the names of all objectives in it.

        The word ``published`` stands for the loss of the backbone's recipe. Without a backbone, terms that it brings
        are left out.

        Raises:
            UserError: an unknown objective, term or option, a weight that isn't finite and ≥ 0, an
                objective that contains itself, or parts that disagree about a term they share.
        """
        if name not in self.file.objectives:
            raise unknown("objective", name, self.file.objectives, **(where or {}))
        place: Path = ("objectives", name)
        if name in outer:
            chain = " → ".join((*outer, name))
            raise UserError(f"an objective can't contain itself: {chain}", **self.document.where(place))
        raw, involved = self.file.objectives[name], {name}
        found: dict[str, dict[str, Any]] = {}
        sources: dict[str, str] = {}
        if isinstance(raw, list):
            for index, part in enumerate(raw):
                here = self.document.where((*place, index))
                if not isinstance(part, str):
                    raise UserError(f"a composed objective lists names of objectives; got {part!r}", **here)
                if part == PUBLISHED and part not in self.file.objectives:
                    terms, inner = self._published(backbone, (*place, index)), set[str]()
                else:
                    terms, inner = self.terms(part, settings, here, (*outer, name), backbone=backbone)
                involved |= inner
                for term, given in terms.items():
                    if found.setdefault(term, given) != given:
                        message = f"'{sources[term]}' and '{part}' disagree about {term}: {found[term]} and {given}"
                        raise UserError(message, **here)
                    sources.setdefault(term, part)
        elif raw == PUBLISHED:
            found = self._published(backbone, place)
        elif isinstance(raw, dict):
            found = {term: self._term(term, given, (*place, term)) for term, given in raw.items()}
        else:
            message = "an objective is a mapping of loss terms to weights, a list of objectives, or the word published"
            raise UserError(f"{message}; got {raw!r}", **self.document.where(place))
        if backbone is None and self.by_backbone("objective", ()):
            return found, involved
        if not found:
            raise UserError("an objective needs at least one loss term", **self.document.where(place))
        for setting in settings:
            if setting.field.path[:2] == place and len(setting.field.path) == 4:
                term, option = setting.field.path[2:]
                if term not in found:  # of another backbone's published loss
                    continue
                merged = with_option(found[term], option, setting.value)
                found[term] = self._term(term, merged, (*place, term), {option: setting.place})
        if not any(split_term(term)[0] for term in found.values()):
            last = next((s.place for s in reversed(settings) if s.field.path[:2] == place), place)
            raise UserError("all weights are 0: there is nothing to train with", **self.document.where(last))
        return {term: found[term] for term in sorted(found)}, involved

    def _published(self, backbone: str | None, place: Path) -> dict[str, dict[str, Any]]:
        """The terms of the loss that a backbone was published with; none without a backbone."""
        if not backbone:
            return {}
        recipe = recipes.of(backbone, **self.document.where(place))
        return {term: self._term(term, given, place) for term, given in recipe["objective"].items()}

    def _term(self, term: str, given: Any, place: Path, places: dict[str, Path] | None = None) -> dict[str, Any]:
        """``{"weight": λ, **options}`` with options reduced to what differs from their defaults."""
        entry = registry.get("losses", term, **self.document.where(place))
        given = given if isinstance(given, dict) else {"weight": given}

        def at(option: str) -> dict[str, Any]:
            path = (places or {}).get(option, (*place, option))
            return self.document.where(path if path in self.document.lines else place)

        if not given.keys() & {"weight", "lambda"}:
            raise UserError(f"{term} has no weight", **self.document.where(place))
        weight, options = split_term(given)
        key = "lambda" if "lambda" in given else "weight"
        if "weight" in options and not isinstance(options["weight"], str):
            raise UserError(f"{term} has its weight twice, as 'lambda' and as 'weight'", **at("weight"))
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
            hint = ""
            if isinstance(weight, str) and "weight" in registry.options(entry):
                hint = f"; for the option of that name write {{lambda: 0.1, weight: {weight}}}"
            raise UserError(f"a weight is a finite number from 0; got {weight!r}{hint}", **at(key))
        try:
            checked = registry.check_options(entry, options, beside=KEYS)
        except UserError as error:
            raise UserError(error.message, **at(error.key or "")) from None
        _, beside = split_weighting(given)
        try:
            Weighting.model_validate(beside)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            wrong = str(detail["loc"][0])
            raise UserError(wrong_value(detail, beside[wrong]), **at(wrong)) from None
        return join_term(float(weight), checked, beside)

    def _settled(
        self, term: str, given: dict[str, Any], involved: set[str], settings: Sequence[Setting]
    ) -> dict[str, Any]:
        """The term without keys beside λ that change nothing.

        Raises:
            UserError: keys that don't go together.
        """
        weight, options = split_term(given)
        try:
            return join_term(weight, options, settled(split_weighting(given)[1], weight))
        except UserError as error:
            wanted = [("objectives", name, term, error.key or "") for name in sorted(involved)]
            set_here = [s.place for s in settings if s.field.path in wanted]
            written = [path for path in wanted if path in self.document.lines]
            raise UserError(error.message, **self.document.where((*set_here, *written, wanted[0])[0])) from None

    def _part(self, section: str, model: type[Part], settings: Sequence[Setting]) -> Any:
        """A validated part: the file's values under ``settings``."""
        if not settings:
            return getattr(self.file, section)
        raw = copy.deepcopy(self.document.data.get(section, {}))
        for setting in settings:
            at = raw
            for step in setting.field.path[1:-1]:
                at[step] = at[step] if isinstance(at.get(step), dict) else {}
                at = at[step]
            at[setting.field.path[-1]] = setting.value
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            loc = tuple(error.errors(include_url=False)[0]["loc"])
            for setting in settings:
                if loc[: len(setting.field.path) - 1] == setting.field.path[1:]:
                    message = wrong_value(error.errors(include_url=False)[0], setting.value)
                    raise UserError(message, **self.document.where(setting.place)) from None
            raise explain(error, model, self.document, (section,)) from None

    def _where(self, path: Path, settings: Sequence[Setting]) -> dict[str, Any]:
        """Where the value at ``path`` stands: in a setting, or in the file."""
        for setting in reversed(settings):
            if path[: len(setting.field.path)] == setting.field.path:
                return self.document.where(setting.place)
        return self.document.where(path)

    def _option_places(self, home: Path, settings: Sequence[Setting]) -> Callable[[Callable[[dict], Any]], Any]:
        """Runs an option check so that its error is located at the option's own place."""

        def run(check: Callable[[dict], Any]) -> Any:
            try:
                return check({})
            except UserError as error:
                option = error.key or ""
                places = {s.field.path[-1]: s.place for s in settings}
                where = self.document.where(places.get(option, (*home, option)))
                raise UserError(error.message, **where) from None

        return run

    def _read_back(self, section: str, part: Part) -> dict[str, str]:
        labels = {}
        for field in self.swept:
            path = field.split(".")
            if path[0] != section or field == "train.recipe":
                continue
            value: Any = part
            for step in path[1:]:
                value = _data_option(part, step) if isinstance(value, dict) else getattr(value, step, None)
            labels[field] = "-" if value is None else printed(value)
        return labels


def _data_option(data: Any, name: str) -> Any:
    entry = registry.get("datasets", data.dataset)
    option = registry.options(entry).get(name)
    return data.options.get(name, option.default if option else None)
