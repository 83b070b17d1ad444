"""What the ``report`` section of a spec may say, and what is said about its mistakes."""

from __future__ import annotations

import textwrap

import pytest

from harness.errors import UserError
from harness.spec import load
from harness.spec.report_section import Published


@pytest.fixture
def section(base, write):
    """section(text) loads the small spec with this report section, whose first line is line 14."""

    def read(text: str):
        return load(write(base + "report:\n" + textwrap.indent(textwrap.dedent(text).strip(), "  ") + "\n")).report

    return read


def test_values_become_what_labels_print(section):
    found = section(
        """
        baseline: {objective: abs}
        tables:
          - {rows: [backbone, objective], group: backbone, order: {seed: [1.0, 0]}, where: {objective: [abs]}}
          - {baseline: {objective: spatial}, labels: {abs: L1}, differences: false, where: {test_occlusion: curve}}
    """.replace("81: x", "abs: L1")
    )
    first, second = found.tables
    assert first.order == {"seed": ["1", "0"]} and first.where == {"objective": ["abs"]} and first.baseline is None
    assert second.baseline == {"objective": "spatial"} and not second.differences
    assert second.where == {"test_occlusion": "curve"}
    assert found.figures == "all" and found.reference == []


def test_a_label_may_name_a_number(section):
    assert section("labels: {0: first, seed: {1: second}}").labels == {"0": "first", "seed": {"1": "second"}}


def test_figures_by_name_with_options_or_one_alone(section):
    assert section("figures: occlusion").figures == ["occlusion"]
    found = section("figures: [learning, {occlusion: {metric: mpjpe}}, {difference: }]").figures
    assert found == ["learning", {"occlusion": {"metric": "mpjpe"}}, "difference"]


def test_published_numbers_by_name_and_in_full(section):
    found = section("""
        reference:
          - mixste*
          - {label: ours, value: 52, source: a paper, protocol: S9 and S11, detector: CPN, metric: p_mpjpe}
    """).reference
    assert found[0] == "mixste*"
    assert isinstance(found[1], Published) and (found[1].value, found[1].metric, found[1].note) == (52, "p_mpjpe", "")


# name: (report section, line, key, parts of the message)
MISTAKES = {
    "baseline that no run has": ("baseline: {objective: both}", 14, "baseline.objective", ["unknown objective"]),
    "baseline of one table": (
        "tables:\n  - {baseline: {backbone: ridge}}", 15, "tables[0].baseline.backbone", ["unknown backbone", "'ridge'"]
    ),
    "figure": ("figures:\n  - occlusion\n  - learnin", 16, "figures[1]", ["unknown figure 'learnin'", "'learning'?"]),
    "figure alone": ("figures: al", 14, "figures[0]", ["unknown figure 'al'", "did you mean 'all'?"]),
    "figure's options": ("figures: [{occlusion: 3}]", 14, "figures[0]", ["are a mapping", "got 3"]),
    "group": ("tables: [{group: backbne}]", 14, "tables[0].group", ["did you mean 'backbone'?"]),
    "rows of seeds": ("tables: [{rows: [objective, seed]}]", 14, "tables[0].rows", ["over the seeds"]),
    "some seeds": ("tables: [{where: {seed: 0}}]", 14, "tables[0].where.seed", ["over all seeds"]),
    "group of columns": ("tables: [{group: test_occlusion}]", 14, "tables[0].group", ["bands are of rows"]),
    "order's axis": ("tables: [{order: {objectve: [abs]}}]", 14, "tables[0].order.objectve", ["'objective'?"]),
    "order's value": ("tables: [{order: {objective: [ab]}}]", 14, "tables[0].order.objective", ["'abs'?"]),
    "order twice": ("tables: [{order: {objective: [abs, abs]}}]", 14, "tables[0].order.objective", ["each once"]),
    "label": ("labels: {spatail: L}", 14, "labels.spatail", ["unknown value or axis", "'spatial'?"]),
    "label of an axis": ("labels: {objective: {abz: L}}", 14, "labels.objective.abz", ["did you mean 'abs'?"]),
    "label's axis": ("tables: [{labels: {abs: {abs: L}}}]", 14, "tables[0].labels.abs", ["unknown axis 'abs'"]),
    "level": ("tables: [{where: {test_occlusion: curved}}]", 14, "tables[0].where.test_occlusion", ["'curve'?"]),
    "folds": ("variance: {folds: data.splt}", 14, "variance.folds", ["unknown axis 'data.splt'"]),
    "draws of seeds": ("variance: {draws: seed}", 14, "variance.draws", ["told apart from folds"]),
    "folds and draws alike": ("variance: {folds: backbone, draws: backbone}", 14, "variance.draws", ["can't be both"]),
    "spread's place": ("variance: {where: {objectve: abs}}", 14, "variance.where.objectve", ["'objective'?"]),
    "spread's value": ("variance: {where: {objective: ab}}", 14, "variance.where.objective", ["'abs'?"]),
    "spread over folds": (
        "variance: {folds: backbone, where: {backbone: a}}", 14, "variance.where.backbone", ["unknown axis 'backbone'"]
    ),
    "published number": ("reference: [mixst]", 14, "reference[0]", ["unknown published number", "'mixste'?"]),
    "published number without a source": (
        "reference:\n  - {label: a, value: 1, protocol: b, detector: c}", 15, "reference[0].source", ["is missing"]
    ),
    "published number's key": (
        "reference:\n  - {label: a, valeu: 1, source: d, protocol: b, detector: c}",
        15, "reference[0].valeu", ["did you mean 'value'?"],
    ),
    "published number that is none": (
        "reference:\n  - {label: a, value: low, source: d, protocol: b, detector: c}",
        15, "reference[0].value", ["valid number", "got 'low'"],
    ),
    "published metric": (
        "reference:\n  - {label: a, value: 1, metric: mpjp, source: d, protocol: b, detector: c}",
        15, "reference[0].metric", ["did you mean 'mpjpe'?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_stands(section, mistake):
    text, line, key, parts = MISTAKES[mistake]
    with pytest.raises(UserError) as caught:
        section(text)
    assert (caught.value.line, caught.value.key) == (line, f"report.{key}")
    for part in parts:
        assert part in caught.value.message


def test_a_baseline_whose_values_never_meet(base, write):
    text = (
        base
        + "include: [{backbone: ridge, objective: abs}]\nreport: {baseline: {backbone: ridge, objective: spatial}}\n"
    )
    with pytest.raises(UserError, match="no run with backbone ridge and objective spatial together") as caught:
        load(write(text))
    assert (caught.value.line, caught.value.key) == (14, "report.baseline")
