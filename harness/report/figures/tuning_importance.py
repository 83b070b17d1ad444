"""Which tuned fields mattered."""

from __future__ import annotations

from harness.report.evidence import Evidence
from harness.report.figures.drawing import COLOURS, Sketch, Unfilled, legend, panels
from harness.report.figures.tuning_history import the_study
from harness.report.tuning.study import short, shown_as

_MOST = 6
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++")


def draw(evidence: Evidence) -> Sketch:
    """Share of each field in the variance of the first metric, a bar for each arm.

    Raises:
        Unfilled: there is no study, or its trials were too few to tell.
    """
    study = the_study(evidence)
    told = [arm for arm in study.arms if arm.importance][:_MOST]
    if not told:
        raise Unfilled("the study's trials were too few to tell which fields mattered")
    fields = [name for name in study.about.space if any(name in arm.importance for arm in told)]
    figure, ((panel,),) = panels(1, 1, 5.2, 0.5 + 0.22 * len(fields) * len(told) + 0.25 * len(fields))
    width = 0.8 / len(told)
    for i, arm in enumerate(told):
        places = [-k + 0.4 - (i + 0.5) * width for k, name in enumerate(fields) if name in arm.importance]
        shares = [100 * arm.importance[name] for name in fields if name in arm.importance]
        panel.barh(
            places,
            shares,
            0.9 * width,
            color=COLOURS[(i + 1) % len(COLOURS)],
            edgecolor="white",
            hatch=_HATCHES[i],
            label=study.label(arm),
        )
        for y, share in zip(places, shares, strict=True):
            panel.text(share + 1, y, f"{share:.0f}", va="center", fontsize=7)
    panel.set_yticks([-k for k in range(len(fields))], [short(name, list(study.about.space)) for name in fields])
    panel.set_xlim(0, 108)
    panel.grid(False, axis="y")
    panel.set_xlabel("share in what sets the best trials apart, %")
    legend(figure, panel)
    measure = shown_as(study.about.metrics[0].name).label
    caption = (
        f"Share of each tuned field in what sets an arm's best trials by {measure} apart (PED-ANOVA), within the "
        "ranges searched. A field without a bar was tried too seldom, or isn't the arm's."
    )
    return Sketch(figure, caption)
