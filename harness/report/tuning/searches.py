"""What each arm's search was given, what it spent, and what it found beside the spec's own values."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.table import Cell, Row, Table, number
from harness.report.tuning.study import Own, Study, Trial, short, shown_as, value_text
from harness.spec.space import Parameter

BUDGET, FOUND, IMPORTANCE = "tuning", "tuning_found", "tuning_importance"
GIVEN = {"trials": "trials", "hours": "hours", "gpu_hours": "GPU hours"}
"""What a budget may say → head of its column."""
STATES = {"COMPLETE": "ended", "PRUNED": "stopped early", "FAIL": "failed"}
OWN = "the spec's own"
NOTHING = Cell("–")


def budgets(study: Study) -> Table:
    """A row for each arm: the budget, what became of its trials, and the runs and hours they took."""
    given = [name for name in GIVEN if name in study.about.budget]
    on_gpu = any(arm.gpu_hours for arm in study.arms)
    columns = [("budget", GIVEN[name]) for name in given]
    columns += [("trials", head) for head in (*STATES.values(), "from earlier runs")]
    columns += [("spent", head) for head in ("runs", "hours", *(["GPU hours"] if on_gpu else []))]
    rows = []
    for arm in study.arms:
        mine = [trial for trial in arm.trials if not trial.reused]
        cells = [_plain(study.about.budget[name]) for name in given]
        cells += [_count(sum(trial.state == state for trial in mine)) for state in STATES]
        cells += [_count(len(arm.trials) - len(mine)), _count(len({run for trial in mine for run in trial.runs}))]
        cells += [_hours(arm.seconds / 3600), *([_hours(arm.gpu_hours)] if on_gpu else [])]
        rows.append(Row(study.key(arm), tuple(cells)))
    notes = [_made(study), "Every arm has the same budget, controls included; the first limit reached ends its search."]
    if any(arm.space == [] for arm in study.arms):
        notes.append("An arm that has none of the tuned fields has nothing to spend a budget on.")
    notes.append(
        "Hours: of the trials, one after the other, whoever did them. A trial is one run for each seed of the study."
    )
    title = "Tuning: what each arm's search was given and spent"
    return Table(BUDGET, title, tuple(study.axes), tuple(columns), tuple(rows), tuple(notes))


def found(study: Study) -> Table:
    """For each arm the spec's own values and the best trial's, or those of all that none beats."""
    metrics = [shown_as(metric.name) for metric in study.about.metrics]
    fields = list(study.about.space)
    columns = [part for one in metrics for part in ((one.head, "in the study"), (one.head, "− own"))]
    columns += [("values", short(name, fields)) for name in fields]
    rows = []
    for arm in study.arms:
        own, taken = arm.default, study.tuned(arm)
        rows.append(Row((*study.key(arm), OWN), _cells(study, own, None, fields)))
        for trial in study.front(arm):
            if own is not None and trial.params == own.params:
                continue
            sign = "" if taken is None or trial.number != taken.number or len(arm.best) < 2 else "†"
            rows.append(Row((*study.key(arm), f"trial {trial.number}"), _cells(study, trial, own, fields), sign))
    several = len(metrics) > 1
    best = "the trials that no other of the arm beats in all metrics" if several else "the arm's best trial"
    notes = [f"Measured on validation subjects, with the study's seeds: {OWN} values, and {best}."]
    notes.append(
        "The best of many is better in the study than it is: it was chosen by these very numbers. What it gains is "
        "told by fresh seeds."
    )
    if several and any(row.mark for row in rows):
        notes.append("†: taken where the study's values are used.")
    notes.append(
        "An arm without another row has nothing to tune, no trial that ended, or its own values were the best."
    )
    told = (f"{short(name, fields)} ({name}) {searched(it)}" for name, it in study.about.space.items())
    notes.append(f"Searched: {'; '.join(told)}.")
    notes.append("–: not measured, or a field that the arm lacks or that means nothing beside the others.")
    title = "Tuning: the spec's own values and what was found"
    return Table(FOUND, title, (*study.axes, "trial"), tuple(columns), tuple(rows), tuple(notes))


def importance(study: Study) -> Table | None:
    """Share of each field in how the trials of an arm differ; None where the trials were too few to tell."""
    told = [arm for arm in study.arms if arm.importance]
    if not told:
        return None
    fields = [name for name in study.about.space if any(name in arm.importance for arm in told)]
    rows = [
        Row(study.key(arm), tuple(_share(arm.importance[f]) if f in arm.importance else NOTHING for f in fields))
        for arm in told
    ]
    measure = shown_as(study.about.metrics[0].name).label
    notes = (
        f"Share of a field in what sets the arm's best trials by {measure} apart from the others, stopped ones too, in "
        "per cent (PED-ANOVA: Watanabe et al., IJCAI 2023). A field that matters little within the range searched may "
        "matter outside of it.",
        "–: a field that the arm lacks, or that too few trials had.",
    )
    columns = tuple(("share, %", short(name, list(study.about.space))) for name in fields)
    return Table(IMPORTANCE, "Tuning: which fields mattered", tuple(study.axes), columns, tuple(rows), notes)


def searched(parameter: Parameter) -> str:
    """A range or the choices, in a few words."""
    if parameter.categorical is not None:
        return "of " + ", ".join(value_text(choice) for choice in parameter.categorical)
    step = f" in steps of {value_text(parameter.step)}" if parameter.step is not None else ""
    scale = ", logarithmic" if parameter.logarithmic else ""
    return f"from {value_text(parameter.low)} to {value_text(parameter.high)}{step}{scale}"


def _made(study: Study) -> str:
    about = study.about
    metrics = ", ".join(
        f"{metric.name} ({metric.direction or 'minimize'}{_at(metric.levels)})" for metric in about.metrics
    )
    seeds = f"seed{'s' if len(about.seeds) > 1 else ''} {', '.join(map(str, about.seeds))}"
    return (
        f"Study of {study.content.spec}: {metrics}; sampler {about.sampler.get('name', 'not recorded')}, pruner "
        f"{about.pruner.get('name', 'not recorded')}, {seeds}."
    )


def _at(levels: Sequence[str] | None) -> str:
    return f", at {', '.join(levels)}" if levels else ""


def _cells(study: Study, trial: Trial | Own | None, own: Own | None, fields: Sequence[str]) -> tuple[Cell, ...]:
    cells = []
    values = None if trial is None else trial.values
    before = None if own is None else own.values
    for i, metric in enumerate(study.about.metrics):
        decimals = shown_as(metric.name).decimals
        cells.append(NOTHING if values is None else _number(values[i], decimals))
        both = values is not None and before is not None
        cells.append(_number(values[i] - before[i], decimals, signed=True) if both else NOTHING)  # type: ignore[index]
    params = {} if trial is None else trial.params
    return (*cells, *(_value(params[name]) if name in params else NOTHING for name in fields))


def _value(value: object) -> Cell:
    text, plain = value_text(value), isinstance(value, (int, float)) and not isinstance(value, bool)
    return Cell(text, {"value": text} if plain else {})


def _number(value: float, decimals: int, *, signed: bool = False) -> Cell:
    text = number(value, decimals, signed=signed)
    return Cell(text if decimals else f"{float(text):{'+' if signed else ''},.0f}", {"value": text})


def _plain(value: float) -> Cell:
    return Cell(f"{value:g}", {"value": f"{value:g}"})


def _count(value: int) -> Cell:
    return Cell(str(value), {"value": str(value)})


def _hours(value: float) -> Cell:
    return _number(value, 2)


def _share(value: float) -> Cell:
    return _number(100 * value, 0)
